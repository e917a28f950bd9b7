/* DEPTHWISE_CONV_2D. */
#include "error_block.h"
#include "requantize.h"
#include "window.h"
#include "window_gradient.h"

/* One window: its taps inside the input, their first input cell and weight, channel 0. */
typedef struct {
    const int8_t *x, *w;
    int32_t rows, columns;
    int32_t x_step, x_row, w_step, w_row; /* from tap to tap, row to row */
    int32_t zero_point;
} patch;

/* acc[k] += sum over the taps of x[k * lane] * w[k]. */
ET_INLINE void sum_taps(const patch *p, int32_t x_channel, int32_t w_channel, int32_t lane,
                        int32_t width, int32_t *acc)
{
    int32_t acc0 = acc[0], acc1 = acc[1], acc2 = acc[2], acc3 = acc[3];
    int32_t zero_point = p->zero_point, x_step = p->x_step, w_step = p->w_step;
    const int8_t *restrict x_row = p->x + x_channel, *restrict w_row = p->w + w_channel;
    for (int32_t i = p->rows; i > 0; i--, x_row += p->x_row, w_row += p->w_row) {
        const int8_t *restrict x = x_row, *restrict w = w_row;
        for (int32_t j = p->columns; j > 0; j--, x += x_step, w += w_step) {
            acc0 += (x[0] - zero_point) * w[0];
            acc1 += width > 1 ? (x[lane] - zero_point) * w[1] : 0;
            acc2 += width > 1 ? (x[2 * lane] - zero_point) * w[2] : 0;
            acc3 += width > 1 ? (x[3 * lane] - zero_point) * w[3] : 0;
        }
    }
    acc[0] = acc0, acc[1] = acc1, acc[2] = acc2, acc[3] = acc3;
}

/* All channels of one output position.  Four at a time, where their inputs lie side by side
 * or are one and the same. */
static void depthwise_position(const et_depthwise_conv_2d *p, const int32_t *bias,
                               const patch *cells, int8_t *y)
{
    const et_quantization *q = &p->quantization;
    int32_t channels = p->out.channels, multiplicity = p->multiplicity;
    int32_t c = 0, width;
    for (int32_t x_channel = 0; c < channels; c += width) {
        int32_t acc[4] = {0};
        width = 4;
        x_channel = multiplicity == 1 ? c : c / multiplicity;
        if (multiplicity == 1 && c + 4 <= channels) {
            sum_taps(cells, x_channel, c, 1, 4, acc);
        } else if (multiplicity % 4 == 0) {
            sum_taps(cells, x_channel, c, 0, 4, acc);
        } else {
            width = 1;
            sum_taps(cells, x_channel, c, 0, 1, acc);
        }
        et_requantize(q, (uint32_t)c, (uint32_t)width, bias, acc, y);
    }
}

static patch patch_at(const et_depthwise_conv_2d *p, const int8_t *weights, const int8_t *x,
                      int32_t oy, int32_t ox)
{
    int32_t y = oy * p->window.stride_h - p->window.pad_h;
    int32_t column = ox * p->window.stride_w - p->window.pad_w;
    et_range rows = et_taps_inside(y, p->window.kernel_h, p->in.height);
    et_range columns = et_taps_inside(column, p->window.kernel_w, p->in.width);
    int32_t in = p->in.channels, out = p->out.channels;
    patch cells = {x,
                   weights,
                   0,
                   columns.to - columns.from,
                   in,
                   p->in.width * in,
                   out,
                   p->window.kernel_w * out,
                   p->quantization.input_zero_point};
    if (cells.columns && rows.to > rows.from) {
        cells.x += ((y + rows.from) * p->in.width + column + columns.from) * in;
        cells.w += (rows.from * p->window.kernel_w + columns.from) * out;
        cells.rows = rows.to - rows.from;
    }
    return cells;
}

void et_depthwise_conv_2d_forward(const et_depthwise_conv_2d *p, const int8_t *weights,
                                  const int32_t *bias, const int8_t *x, int8_t *y, void *scratch)
{
    (void)scratch;
    for (int32_t oy = 0; oy < p->out.height; oy++) {
        for (int32_t ox = 0; ox < p->out.width; ox++, y += p->out.channels) {
            patch cells = patch_at(p, weights, x, oy, ox);
            depthwise_position(p, bias, &cells, y);
        }
    }
}

/* acc[k] += sum over the windows that read a cell of e[k] * w[k]. */
ET_INLINE void sum_readers(const et_depthwise_conv_2d *p, const int8_t *e, const int8_t *w,
                           et_readers rows, int32_t columns, int32_t width, int32_t *acc)
{
    int32_t acc0 = acc[0], acc1 = acc[1], acc2 = acc[2], acc3 = acc[3];
    int32_t channels = p->out.channels, w_step = p->window.stride_w * channels;
    int32_t w_row = p->window.stride_h * p->window.kernel_w * channels;
    int32_t e_row = p->out.width * channels;
    for (int32_t i = rows.count; i > 0; i--, e -= e_row, w += w_row) {
        const int8_t *restrict error = e, *restrict weight = w;
        for (int32_t j = columns; j > 0; j--, error -= channels, weight += w_step) {
            acc0 += error[0] * weight[0];
            acc1 += width > 1 ? error[1] * weight[1] : 0;
            acc2 += width > 1 ? error[2] * weight[2] : 0;
            acc3 += width > 1 ? error[3] * weight[3] : 0;
        }
    }
    acc[0] = acc0, acc[1] = acc1, acc[2] = acc2, acc[3] = acc3;
}

/* Errors of one input cell.  An input channel's outputs lie side by side. */
static void cell_error(const et_depthwise_conv_2d *p, const int8_t *weights, const int8_t *e,
                       et_readers rows, et_readers columns, et_error_block *block)
{
    int32_t channels = p->out.channels, multiplicity = p->multiplicity;
    int32_t c = 0;
    e += (rows.output * p->out.width + columns.output) * channels;
    weights += (rows.tap * p->window.kernel_w + columns.tap) * channels;
    for (; multiplicity == 1 && c + 4 <= channels; c += 4) {
        int32_t acc[4] = {0};
        sum_readers(p, e + c, weights + c, rows, columns.count, 4, acc);
        et_error_put_many(block, acc, 4);
    }
    for (; c < channels; c += multiplicity) {
        int32_t acc[4] = {0};
        for (int32_t k = c; k < c + multiplicity; k++) {
            sum_readers(p, e + k, weights + k, rows, columns.count, 1, acc);
        }
        et_error_put(block, acc[0]);
    }
}

int32_t et_depthwise_conv_2d_input_error(const et_depthwise_conv_2d *p, const int8_t *weights,
                                         const int8_t *e, const int8_t *x, et_clip clip,
                                         int8_t *e_in)
{
    const et_window *window = &p->window;
    et_error_block block = et_error_open(e_in, x, clip);
    for (int32_t y = 0; y < p->in.height; y++) {
        et_readers rows =
            et_readers_of(y + window->pad_h, window->kernel_h, window->stride_h, p->out.height);
        for (int32_t column = 0; column < p->in.width; column++) {
            et_readers columns = et_readers_of(column + window->pad_w, window->kernel_w,
                                               window->stride_w, p->out.width);
            cell_error(p, weights, e, rows, columns, &block);
        }
    }
    return (int32_t)block.shift;
}

void et_depthwise_conv_2d_gradient(const et_depthwise_conv_2d *p, uint32_t row, const int8_t *e,
                                   const int8_t *x, int32_t centre, int32_t *gradient)
{
    et_window_rows rows = {p->in,          p->out, p->window, 1, p->quantization.input_zero_point,
                           (int16_t)centre};
    et_window_gradient(&rows, e + row, x + row / p->multiplicity, gradient);
}
