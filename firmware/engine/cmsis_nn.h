/* Forward kernels that call CMSIS-NN, with the bits of the engine's own. */
#ifndef ET_CMSIS_NN_H
#define ET_CMSIS_NN_H

#include "operators.h"

void et_cmsis_nn_conv_2d_forward(const et_conv_2d *p, const int8_t *weights, const int32_t *bias,
                                 const int8_t *x, int8_t *y, void *scratch);
void et_cmsis_nn_depthwise_conv_2d_forward(const et_depthwise_conv_2d *p, const int8_t *weights,
                                           const int32_t *bias, const int8_t *x, int8_t *y,
                                           void *scratch);
void et_cmsis_nn_fully_connected_forward(const et_fully_connected *p, const int8_t *weights,
                                         const int32_t *bias, const int8_t *x, int8_t *y,
                                         void *scratch);

#endif
