/* DEPTHWISE_CONV_2D of 3x3 windows side by side by MVE's vectors, and on cores without the DSP
 * extension, with the bits of depthwise_conv_2d.c: strides 1, multiplicity 1, paddings of at most
 * 2. */
#ifndef ET_DEPTHWISE_CONV_2D_LINES_H
#define ET_DEPTHWISE_CONV_2D_LINES_H

#include "operators.h"
#include "update_blocks.h"

/* scratch: edgetune/plan/lines.py. */
void et_depthwise_conv_2d_lines_forward(const et_depthwise_conv_2d *p, const int8_t *weights,
                                        const int32_t *bias, const int8_t *x, int8_t *y,
                                        void *scratch);
int32_t et_depthwise_conv_2d_lines_input_error(const et_depthwise_conv_2d *p,
                                               const int8_t *weights, const int8_t *e,
                                               const int8_t *x, et_clip clip, int8_t *e_in,
                                               void *scratch);

/* An et_block_gradient; layer is an et_depthwise_conv_2d. */
void et_depthwise_conv_2d_lines_gradient(const void *layer, uint32_t first, uint32_t count,
                                         const int8_t *e, const int8_t *x, int32_t centre,
                                         int32_t *gradient, void *scratch);

#endif
