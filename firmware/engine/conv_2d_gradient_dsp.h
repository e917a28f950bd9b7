/* The gradient of CONV_2D by the DSP extension, or by bytes for vectors and for cores without it,
 * with the bits of conv_2d.c. */
#ifndef ET_CONV_2D_GRADIENT_DSP_H
#define ET_CONV_2D_GRADIENT_DSP_H

#include "update_blocks.h"

#define ET_DSP_TILE 16              /* rows that share one preparation of the inputs */
#define ET_DSP_PAIRS 48             /* of positions that are prepared at once, or of one line */
#define ET_DSP_GRADIENT_COPIES 4096 /* bytes of windows that are copied beside each other */

/* An et_block_gradient; layer is an et_conv_2d.  scratch: edgetune/plan/dsp.py. */
void et_conv_2d_dsp_gradient(const void *layer, uint32_t first, uint32_t count, const int8_t *e,
                             const int8_t *x, int32_t centre, int32_t *gradient, void *scratch);

#endif
