/* TRANSPOSE_CONV: every input cell adds to the outputs that its window covers. */
#include "dot.h"
#include "error_block.h"
#include "requantize.h"
#include "tap_gradient.h"
#include "window.h"

static uint32_t row_size_of(const et_conv_2d *p)
{
    return (uint32_t)p->window.kernel_h * p->window.kernel_w * p->in.channels;
}

/* Adds what the input cells give to one output of width channels: 1 or 4. */
static void sum_cells(const et_conv_2d *p, const int8_t *weights, const int8_t *x, et_readers rows,
                      et_readers columns, int32_t width, int32_t *acc)
{
    int32_t channels = p->in.channels, zero_point = p->quantization.input_zero_point;
    for (int32_t i = 0; i < rows.count; i++) {
        int32_t tap = (rows.tap + i * p->window.stride_h) * p->window.kernel_w + columns.tap;
        int32_t cell = (rows.output - i) * p->in.width + columns.output;
        for (int32_t j = 0; j < columns.count; j++, tap += p->window.stride_w, cell--) {
            const int8_t *from = x + cell * channels, *w = weights + tap * channels;
            if (width == 4) {
                et_dot_4(from, w, row_size_of(p), (uint32_t)channels, zero_point, acc);
            } else {
                *acc += et_dot(from, w, (uint32_t)channels, zero_point);
            }
        }
    }
}

static void output_at(const et_conv_2d *p, const int8_t *weights, const int32_t *bias,
                      const int8_t *x, et_readers rows, et_readers columns, int8_t *y)
{
    int32_t channels = p->out.channels;
    for (int32_t o = 0, width; o < channels; o += width) {
        int32_t acc[4] = {0};
        width = o + 4 <= channels ? 4 : 1;
        sum_cells(p, weights, x, rows, columns, width, acc);
        et_requantize(&p->quantization, (uint32_t)o, (uint32_t)width, bias, acc, y);
        weights += (uint32_t)width * row_size_of(p);
    }
}

void et_transpose_conv_forward(const et_conv_2d *p, const int8_t *weights, const int32_t *bias,
                               const int8_t *x, int8_t *y, void *scratch)
{
    const et_window *window = &p->window;
    (void)scratch;
    for (int32_t oy = 0; oy < p->out.height; oy++) {
        et_readers rows =
            et_readers_of(oy + window->pad_h, window->kernel_h, window->stride_h, p->in.height);
        for (int32_t ox = 0; ox < p->out.width; ox++, y += p->out.channels) {
            et_readers columns =
                et_readers_of(ox + window->pad_w, window->kernel_w, window->stride_w, p->in.width);
            output_at(p, weights, bias, x, rows, columns, y);
        }
    }
}

/* Errors of width channels of one input cell, whose window begins at output (y, x). */
static void sum_errors(const et_conv_2d *p, const int8_t *weights, const int8_t *e, int32_t y,
                       int32_t x, int32_t width, int32_t *acc)
{
    int32_t out = p->out.channels;
    et_range rows = et_taps_inside(y, p->window.kernel_h, p->out.height);
    et_range columns = et_taps_inside(x, p->window.kernel_w, p->out.width);
    for (int32_t ky = rows.from; ky < rows.to; ky++) {
        for (int32_t kx = columns.from; kx < columns.to; kx++) {
            const int8_t *w = weights + (ky * p->window.kernel_w + kx) * p->in.channels;
            const int8_t *error = e + ((y + ky) * p->out.width + x + kx) * out;
            if (width == 4) {
                et_dot_columns_4(error, w, (uint32_t)out, row_size_of(p), acc);
            }
            for (int32_t k = 0; width < 4 && k < width; k++) {
                acc[k] += et_dot_column(error, w + k, (uint32_t)out, row_size_of(p));
            }
        }
    }
}

int32_t et_transpose_conv_input_error(const et_conv_2d *p, const int8_t *weights, const int8_t *e,
                                      const int8_t *x, et_clip clip, int8_t *e_in)
{
    const et_window *window = &p->window;
    et_error_block block = et_error_open(e_in, x, clip);
    for (int32_t y = 0; y < p->in.height; y++) {
        int32_t top = y * window->stride_h - window->pad_h;
        for (int32_t column = 0; column < p->in.width; column++) {
            int32_t left = column * window->stride_w - window->pad_w;
            for (int32_t c = 0; c < p->in.channels; c += 4) {
                int32_t acc[4] = {0}, width = et_min(4, p->in.channels - c);
                sum_errors(p, weights + c, e, top, left, width, acc);
                et_error_put_many(&block, acc, (uint32_t)width);
            }
        }
    }
    return (int32_t)block.shift;
}

/* The weights of tap (ky, kx): sums over the input cells whose output exists. */
static void tap_gradient(const et_conv_2d *p, int32_t ky, int32_t kx, int32_t start,
                         const int8_t *e, const int8_t *x, int32_t *gradient)
{
    const et_window *window = &p->window;
    int32_t channels = p->in.channels, out = p->out.channels;
    int32_t top = ky - window->pad_h, left = kx - window->pad_w;
    et_tap_places places = {
        .rows = et_outputs_inside(top, window->stride_h, p->out.height, p->in.height),
        .columns = et_outputs_inside(left, window->stride_w, p->out.width, p->in.width),
        .e = (top * p->out.width + left) * out,
        .e_row = window->stride_h * p->out.width * out,
        .e_column = window->stride_w * out,
        .x_row = p->in.width * channels,
        .x_column = channels,
    };
    et_tap_gradient(&places, channels, p->quantization.input_zero_point, start, e, x, gradient);
}

void et_transpose_conv_gradient(const et_conv_2d *p, uint32_t row, const int8_t *e,
                                const int8_t *x, int32_t centre, int32_t *gradient)
{
    e += row;
    int32_t bias = et_bias_gradient(e, p->out.height * p->out.width, p->out.channels);
    int32_t start = -centre * (bias / ET_BIAS_INPUT);
    for (int32_t ky = 0; ky < p->window.kernel_h; ky++) {
        for (int32_t kx = 0; kx < p->window.kernel_w; kx++, gradient += p->in.channels) {
            tap_gradient(p, ky, kx, start, e, x, gradient);
        }
    }
    *gradient = bias;
}
