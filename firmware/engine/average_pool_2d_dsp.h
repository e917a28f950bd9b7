/* The error of AVERAGE_POOL_2D's input by the DSP extension, where each cell has one reader and
 * all windows have as many cells. */
#ifndef ET_AVERAGE_POOL_2D_DSP_H
#define ET_AVERAGE_POOL_2D_DSP_H

#include "operators.h"

int32_t et_average_pool_2d_dsp_input_error(const et_pool_2d *p, const int8_t *e, const int8_t *x,
                                           et_clip clip, int8_t *e_in);

#endif
