/* CONV_2D whose channels are in groups: each group's outputs read its own channels, tap by tap. */
#include "dilated.h"
#include "dot.h"
#include "error_block.h"
#include "requantize.h"
#include "tap_gradient.h"

/* Of one group. */
typedef struct {
    int32_t inputs, outputs, row_size;
} group_sizes;

static group_sizes sizes_of(const et_conv_2d_grouped *p)
{
    const et_conv_2d *conv = &p->conv;
    int32_t inputs = conv->in.channels / p->groups;
    group_sizes sizes = {inputs, conv->out.channels / p->groups,
                         conv->window.kernel_h * conv->window.kernel_w * inputs};
    return sizes;
}

/* Adds the products of all taps inside the input to acc, for width output channels: 1 or 4.
 * x: from the group's first channel. */
static void sum_taps(const et_conv_2d_grouped *p, group_sizes sizes, const int8_t *weights,
                     const int8_t *x, int32_t oy, int32_t ox, int32_t width, int32_t *acc)
{
    const et_conv_2d *conv = &p->conv;
    uint32_t inputs = (uint32_t)sizes.inputs;
    int32_t zero_point = conv->quantization.input_zero_point;
    for (int32_t ky = 0; ky < conv->window.kernel_h; ky++) {
        for (int32_t kx = 0; kx < conv->window.kernel_w; kx++, weights += inputs) {
            int32_t cell = et_dilated_cell(conv->in, &conv->window, p->dilation, oy, ox, ky, kx);
            if (cell < 0) {
                continue;
            }
            const int8_t *from = x + cell * conv->in.channels;
            if (width == 4) {
                et_dot_4(from, weights, (uint32_t)sizes.row_size, inputs, zero_point, acc);
            } else {
                *acc += et_dot(from, weights, inputs, zero_point);
            }
        }
    }
}

/* One group's outputs, first and on, of one position. */
static void sum_group(const et_conv_2d_grouped *p, group_sizes sizes, int32_t first,
                      const int8_t *weights, const int32_t *bias, const int8_t *x, int32_t oy,
                      int32_t ox, int8_t *y)
{
    int32_t end = first + sizes.outputs;
    for (int32_t o = first, width; o < end; o += width, weights += width * sizes.row_size) {
        int32_t acc[4] = {0};
        width = o + 4 <= end ? 4 : 1;
        sum_taps(p, sizes, weights, x, oy, ox, width, acc);
        et_requantize(&p->conv.quantization, (uint32_t)o, (uint32_t)width, bias, acc, y);
    }
}

void et_conv_2d_grouped_forward(const et_conv_2d_grouped *p, const int8_t *weights,
                                const int32_t *bias, const int8_t *x, int8_t *y, void *scratch)
{
    et_shape out = p->conv.out;
    group_sizes sizes = sizes_of(p);
    (void)scratch;
    for (int32_t oy = 0; oy < out.height; oy++) {
        for (int32_t ox = 0; ox < out.width; ox++, y += out.channels) {
            for (int32_t group = 0; group < p->groups; group++) {
                int32_t first = group * sizes.outputs;
                sum_group(p, sizes, first, weights + first * sizes.row_size, bias,
                          x + group * sizes.inputs, oy, ox, y);
            }
        }
    }
}

/* Errors of width channels of one input cell; weights from the first of them on, e from the
 * group's first output. */
static void cell_error(const et_conv_2d_grouped *p, group_sizes sizes, const int8_t *weights,
                       const int8_t *e, int32_t y, int32_t x, int32_t width, int32_t *acc)
{
    const et_conv_2d *conv = &p->conv;
    uint32_t outputs = (uint32_t)sizes.outputs, row_size = (uint32_t)sizes.row_size;
    for (int32_t ky = 0; ky < conv->window.kernel_h; ky++) {
        for (int32_t kx = 0; kx < conv->window.kernel_w; kx++, weights += sizes.inputs) {
            int32_t cell = et_dilated_reader(conv->out, &conv->window, p->dilation, y, x, ky, kx);
            for (int32_t k = 0; cell >= 0 && k < width; k++) {
                acc[k] +=
                    et_dot_column(e + cell * conv->out.channels, weights + k, outputs, row_size);
            }
        }
    }
}

/* The same of all of a cell's channels. */
static void cell_errors(const et_conv_2d_grouped *p, group_sizes sizes, const int8_t *weights,
                        const int8_t *e, int32_t y, int32_t x, et_error_block *block)
{
    for (int32_t group = 0; group < p->groups; group++) {
        for (int32_t c = 0; c < sizes.inputs; c += 4) {
            int32_t acc[4] = {0}, width = sizes.inputs - c < 4 ? sizes.inputs - c : 4;
            cell_error(p, sizes, weights + c, e, y, x, width, acc);
            et_error_put_many(block, acc, (uint32_t)width);
        }
        weights += sizes.outputs * sizes.row_size;
        e += sizes.outputs;
    }
}

int32_t et_conv_2d_grouped_input_error(const et_conv_2d_grouped *p, const int8_t *weights,
                                       const int8_t *e, const int8_t *x, et_clip clip,
                                       int8_t *e_in)
{
    et_shape in = p->conv.in;
    et_error_block block = et_error_open(e_in, x, clip);
    for (int32_t y = 0; y < in.height; y++) {
        for (int32_t column = 0; column < in.width; column++) {
            cell_errors(p, sizes_of(p), weights, e, y, column, &block);
        }
    }
    return (int32_t)block.shift;
}

/* The weights of tap (ky, kx): sums over the outputs whose input cell exists. */
static void tap_gradient(const et_conv_2d_grouped *p, int32_t inputs, int32_t ky, int32_t kx,
                         int32_t start, const int8_t *e, const int8_t *x, int32_t *gradient)
{
    const et_window *window = &p->conv.window;
    et_shape in = p->conv.in, out = p->conv.out;
    int32_t top = ky * p->dilation.height - window->pad_h;
    int32_t left = kx * p->dilation.width - window->pad_w;
    et_tap_places places = {
        .rows = et_outputs_inside(top, window->stride_h, in.height, out.height),
        .columns = et_outputs_inside(left, window->stride_w, in.width, out.width),
        .e_row = out.width * out.channels,
        .e_column = out.channels,
        .x = (top * in.width + left) * in.channels,
        .x_row = window->stride_h * in.width * in.channels,
        .x_column = window->stride_w * in.channels,
    };
    et_tap_gradient(&places, inputs, p->conv.quantization.input_zero_point, start, e, x, gradient);
}

void et_conv_2d_grouped_gradient(const et_conv_2d_grouped *p, uint32_t row, const int8_t *e,
                                 const int8_t *x, int32_t centre, int32_t *gradient)
{
    et_shape out = p->conv.out;
    group_sizes sizes = sizes_of(p);
    e += row;
    int32_t bias = et_bias_gradient(e, out.height * out.width, out.channels);
    int32_t start = -centre * (bias / ET_BIAS_INPUT);
    x += (int32_t)row / sizes.outputs * sizes.inputs;
    for (int32_t ky = 0; ky < p->conv.window.kernel_h; ky++) {
        for (int32_t kx = 0; kx < p->conv.window.kernel_w; kx++, gradient += sizes.inputs) {
            tap_gradient(p, sizes.inputs, ky, kx, start, e, x, gradient);
        }
    }
    *gradient = bias;
}
