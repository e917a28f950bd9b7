/* CONV_2D by the DSP extension, with the bits of conv_2d.c. */
#ifndef ET_CONV_2D_DSP_H
#define ET_CONV_2D_DSP_H

#include "operators.h"

#define ET_DSP_COLUMNS 4096 /* bytes of windows that are copied beside each other */
#define ET_DSP_FEWEST 8     /* windows for which a panel is worth its making */

/* scratch: edgetune/plan/dsp.py. */
void et_conv_2d_dsp_forward(const et_conv_2d *p, const int8_t *weights, const int32_t *bias,
                            const int8_t *x, int8_t *y, void *scratch);
int32_t et_conv_2d_dsp_input_error(const et_conv_2d *p, const int8_t *weights, const int8_t *e,
                                   const int8_t *x, et_clip clip, int8_t *e_in, void *scratch);

#endif
