/* The gradient of DEPTHWISE_CONV_2D by the DSP extension, for the layers of
 * depthwise_conv_2d_dsp.h. */
#ifndef ET_DEPTHWISE_CONV_2D_GRADIENT_DSP_H
#define ET_DEPTHWISE_CONV_2D_GRADIENT_DSP_H

#include "update_blocks.h"

/* An et_block_gradient; layer is an et_depthwise_conv_2d.  scratch: edgetune/plan/dsp.py. */
void et_depthwise_conv_2d_dsp_gradient(const void *layer, uint32_t first, uint32_t count,
                                       const int8_t *e, const int8_t *x, int32_t centre,
                                       int32_t *gradient, void *scratch);

#endif
