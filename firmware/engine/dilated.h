/* Where the taps of a dilated window lie. */
#ifndef ET_DILATED_H
#define ET_DILATED_H

#include "operators.h"

/* The input position, row by row, that tap (ky, kx) of window (oy, ox) reads; -1 outside. */
static inline int32_t et_dilated_cell(et_shape in, const et_window *window, et_dilation dilation,
                                      int32_t oy, int32_t ox, int32_t ky, int32_t kx)
{
    int32_t y = oy * window->stride_h - window->pad_h + ky * dilation.height;
    int32_t x = ox * window->stride_w - window->pad_w + kx * dilation.width;
    return y < 0 || y >= in.height || x < 0 || x >= in.width ? -1 : y * in.width + x;
}

#endif
