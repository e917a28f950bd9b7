/* DEPTHWISE_CONV_2D whose taps lie apart: tap by tap. */
#include "dilated.h"
#include "error_block.h"
#include "requantize.h"

/* The sum of one output channel's products, over the taps inside the input. */
static int32_t sum_taps(const et_depthwise_conv_2d_dilated *p, const int8_t *weights,
                        const int8_t *x, int32_t oy, int32_t ox)
{
    const et_depthwise_conv_2d *conv = &p->conv;
    int32_t acc = 0, zero_point = conv->quantization.input_zero_point;
    for (int32_t ky = 0; ky < conv->window.kernel_h; ky++) {
        for (int32_t kx = 0; kx < conv->window.kernel_w; kx++, weights += conv->out.channels) {
            int32_t cell = et_dilated_cell(conv->in, &conv->window, p->dilation, oy, ox, ky, kx);
            if (cell >= 0) {
                acc += (x[cell * conv->in.channels] - zero_point) * *weights;
            }
        }
    }
    return acc;
}

void et_depthwise_conv_2d_dilated_forward(const et_depthwise_conv_2d_dilated *p,
                                          const int8_t *weights, const int32_t *bias,
                                          const int8_t *x, int8_t *y, void *scratch)
{
    const et_depthwise_conv_2d *conv = &p->conv;
    uint32_t channels = conv->out.channels;
    (void)scratch;
    for (int32_t oy = 0; oy < conv->out.height; oy++) {
        for (int32_t ox = 0; ox < conv->out.width; ox++, y += channels) {
            for (uint32_t o = 0; o < channels; o++) {
                int32_t acc = sum_taps(p, weights + o, x + o / conv->multiplicity, oy, ox);
                et_requantize(&conv->quantization, o, 1, bias, &acc, y);
            }
        }
    }
}

/* Error of one input cell's channel, whose output channels begin at weights and e. */
static int32_t cell_error(const et_depthwise_conv_2d_dilated *p, const int8_t *weights,
                          const int8_t *e, int32_t y, int32_t x)
{
    const et_depthwise_conv_2d *conv = &p->conv;
    int32_t channels = conv->out.channels, acc = 0;
    for (int32_t ky = 0; ky < conv->window.kernel_h; ky++) {
        for (int32_t kx = 0; kx < conv->window.kernel_w; kx++, weights += channels) {
            int32_t cell = et_dilated_reader(conv->out, &conv->window, p->dilation, y, x, ky, kx);
            for (int32_t k = 0; cell >= 0 && k < conv->multiplicity; k++) {
                acc += e[cell * channels + k] * weights[k];
            }
        }
    }
    return acc;
}

int32_t et_depthwise_conv_2d_dilated_input_error(const et_depthwise_conv_2d_dilated *p,
                                                 const int8_t *weights, const int8_t *e,
                                                 const int8_t *x, et_clip clip, int8_t *e_in)
{
    et_shape in = p->conv.in;
    et_error_block block = et_error_open(e_in, x, clip);
    for (int32_t y = 0; y < in.height; y++) {
        for (int32_t column = 0; column < in.width; column++) {
            for (int32_t c = 0; c < in.channels; c++) {
                int32_t first = c * p->conv.multiplicity;
                et_error_put(&block, cell_error(p, weights + first, e + first, y, column));
            }
        }
    }
    return (int32_t)block.shift;
}

void et_depthwise_conv_2d_dilated_gradient(const et_depthwise_conv_2d_dilated *p, uint32_t row,
                                           const int8_t *e, const int8_t *x, int32_t centre,
                                           int32_t *gradient)
{
    const et_depthwise_conv_2d *conv = &p->conv;
    et_dilated_gradient(conv->in, conv->out, &conv->window, p->dilation, 1,
                        conv->quantization.input_zero_point, centre, e + row,
                        x + row / conv->multiplicity, gradient);
}
