/* A layer's gradient, measured before any layer's update: for a draw over all layers.
 * docs/numerics.md section 5. */
#ifndef ET_MEASURE_H
#define ET_MEASURE_H

#include "update.h"

/* Arguments as of et_update and et_update_biases. */
void et_measure(const et_trained *layer, et_row_gradient row_gradient, const void *operator_,
                const int8_t *e, int32_t exponent, const int8_t *x,
                const et_update_scratch *scratch);
void et_measure_biases(const et_trained *layer, const int8_t *e, int32_t exponent,
                       uint32_t positions, const et_update_scratch *scratch);

#endif
