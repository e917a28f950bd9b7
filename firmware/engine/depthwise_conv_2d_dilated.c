/* DEPTHWISE_CONV_2D whose taps lie apart: tap by tap. */
#include "dilated.h"
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
