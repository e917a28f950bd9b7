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

/* The output position, row by row, whose tap (ky, kx) reads input (y, x); -1 where none does. */
static inline int32_t et_dilated_reader(et_shape out, const et_window *window,
                                        et_dilation dilation, int32_t y, int32_t x, int32_t ky,
                                        int32_t kx)
{
    int32_t oy = y + window->pad_h - ky * dilation.height;
    int32_t ox = x + window->pad_w - kx * dilation.width;
    if (oy < 0 || ox < 0 || oy % window->stride_h || ox % window->stride_w) {
        return -1;
    }
    oy /= window->stride_h;
    ox /= window->stride_w;
    return oy >= out.height || ox >= out.width ? -1 : oy * out.width + ox;
}

/* The gradient of one output channel: kernel_h * kernel_w * depth weights, then the bias.  Inputs
 * count from the centre over the zero point, those outside are at the zero point.  e: errors of
 * the channel, out.channels apart; x: from the first channel that it reads. */
void et_dilated_gradient(et_shape in, et_shape out, const et_window *window, et_dilation dilation,
                         int32_t depth, int32_t zero_point, int32_t centre, const int8_t *e,
                         const int8_t *x, int32_t *gradient);

#endif
