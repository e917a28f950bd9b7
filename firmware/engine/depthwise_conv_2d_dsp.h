/* DEPTHWISE_CONV_2D of 3x3 windows side by side by the DSP extension, with the bits of
 * depthwise_conv_2d.c: strides 1, multiplicity 1, at least four channels, paddings of at most 2. */
#ifndef ET_DEPTHWISE_CONV_2D_DSP_H
#define ET_DEPTHWISE_CONV_2D_DSP_H

#include "operators.h"

/* scratch: edgetune/plan/dsp.py. */
void et_depthwise_conv_2d_dsp_forward(const et_depthwise_conv_2d *p, const int8_t *weights,
                                      const int32_t *bias, const int8_t *x, int8_t *y,
                                      void *scratch);
int32_t et_depthwise_conv_2d_dsp_input_error(const et_depthwise_conv_2d *p, const int8_t *weights,
                                             const int8_t *e, const int8_t *x, et_clip clip,
                                             int8_t *e_in, void *scratch);

#endif
