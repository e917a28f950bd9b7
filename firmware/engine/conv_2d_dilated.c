/* CONV_2D whose taps lie apart: tap by tap. */
#include "dilated.h"
#include "dot.h"
#include "error_block.h"
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

/* Errors of channels c .. c + width - 1 of one input cell. */
static void cell_error(const et_conv_2d_dilated *p, const int8_t *weights, const int8_t *e,
                       int32_t y, int32_t x, int32_t width, int32_t *acc)
{
    const et_conv_2d *conv = &p->conv;
    int32_t channels = conv->in.channels, out = conv->out.channels;
    uint32_t row_size = (uint32_t)(conv->window.kernel_h * conv->window.kernel_w * channels);
    for (int32_t ky = 0; ky < conv->window.kernel_h; ky++) {
        for (int32_t kx = 0; kx < conv->window.kernel_w; kx++, weights += channels) {
            int32_t cell = et_dilated_reader(conv->out, &conv->window, p->dilation, y, x, ky, kx);
            for (int32_t k = 0; cell >= 0 && k < width; k++) {
                acc[k] += et_dot_column(e + cell * out, weights + k, (uint32_t)out, row_size);
            }
        }
    }
}

int32_t et_conv_2d_dilated_input_error(const et_conv_2d_dilated *p, const int8_t *weights,
                                       const int8_t *e, const int8_t *x, et_clip clip,
                                       int8_t *e_in)
{
    et_shape in = p->conv.in;
    et_error_block block = et_error_open(e_in, x, clip);
    for (int32_t y = 0; y < in.height; y++) {
        for (int32_t column = 0; column < in.width; column++) {
            for (int32_t c = 0; c < in.channels; c += 4) {
                int32_t acc[4] = {0}, width = in.channels - c < 4 ? in.channels - c : 4;
                cell_error(p, weights + c, e, y, column, width, acc);
                et_error_put_many(&block, acc, (uint32_t)width);
            }
        }
    }
    return (int32_t)block.shift;
}

void et_conv_2d_dilated_gradient(const et_conv_2d_dilated *p, uint32_t row, const int8_t *e,
                                 const int8_t *x, int32_t centre, int32_t *gradient)
{
    const et_conv_2d *conv = &p->conv;
    et_dilated_gradient(conv->in, conv->out, &conv->window, p->dilation, conv->in.channels,
                        conv->quantization.input_zero_point, centre, e + row, x, gradient);
}
