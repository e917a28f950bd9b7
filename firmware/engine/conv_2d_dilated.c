/* CONV_2D whose taps lie apart: tap by tap. */
#include "dilated.h"
#include "dot.h"
#include "requantize.h"

/* Adds the products of all taps inside the input to acc, for width output channels: 1 or 4. */
static void sum_taps(const et_conv_2d_dilated *p, const int8_t *weights, const int8_t *x,
                     int32_t oy, int32_t ox, int32_t width, int32_t *acc)
{
    const et_conv_2d *conv = &p->conv;
    uint32_t channels = conv->in.channels;
    uint32_t row_size = (uint32_t)conv->window.kernel_h * conv->window.kernel_w * channels;
    int32_t zero_point = conv->quantization.input_zero_point;
    for (int32_t ky = 0; ky < conv->window.kernel_h; ky++) {
        for (int32_t kx = 0; kx < conv->window.kernel_w; kx++, weights += channels) {
            int32_t cell = et_dilated_cell(conv->in, &conv->window, p->dilation, oy, ox, ky, kx);
            if (cell < 0) {
                continue;
            }
            const int8_t *from = x + (uint32_t)cell * channels;
            if (width == 4) {
                et_dot_4(from, weights, row_size, channels, zero_point, acc);
            } else {
                *acc += et_dot(from, weights, channels, zero_point);
            }
        }
    }
}

void et_conv_2d_dilated_forward(const et_conv_2d_dilated *p, const int8_t *weights,
                                const int32_t *bias, const int8_t *x, int8_t *y, void *scratch)
{
    const et_conv_2d *conv = &p->conv;
    int32_t channels = conv->out.channels;
    int32_t row_size = conv->window.kernel_h * conv->window.kernel_w * conv->in.channels;
    (void)scratch;
    for (int32_t oy = 0; oy < conv->out.height; oy++) {
        for (int32_t ox = 0; ox < conv->out.width; ox++, y += channels) {
            for (int32_t o = 0, width; o < channels; o += width) {
                int32_t acc[4] = {0};
                width = o + 4 <= channels ? 4 : 1;
                sum_taps(p, weights + o * row_size, x, oy, ox, width, acc);
                et_requantize(&conv->quantization, (uint32_t)o, (uint32_t)width, bias, acc, y);
            }
        }
    }
}
