/* CONV_2D. */
#include "dot.h"
#include "error_block.h"
#include "requantize.h"
#include "window.h"
#include "window_gradient.h"

/* The part of one window that lies inside the input: rows of contiguous cells, at the same
 * distance from each other in x as ever, and in the weights likewise. */
typedef struct {
    const int8_t *x;
    uint32_t weight; /* offset of the first cell's weight */
    uint32_t rows, run;
} patch;

static patch patch_at(const et_conv_2d *p, const int8_t *x, int32_t oy, int32_t ox)
{
    int32_t y = oy * p->window.stride_h - p->window.pad_h;
    int32_t column = ox * p->window.stride_w - p->window.pad_w;
    et_range rows = et_taps_inside(y, p->window.kernel_h, p->in.height);
    et_range columns = et_taps_inside(column, p->window.kernel_w, p->in.width);
    uint32_t channels = p->in.channels;
    uint32_t run = (uint32_t)(columns.to - columns.from) * channels;
    patch cells = {x, 0, 0, run};
    if (run && rows.to > rows.from) {
        x += ((y + rows.from) * p->in.width + column + columns.from) * (int32_t)channels;
        cells.x = x;
        cells.weight = (uint32_t)(rows.from * p->window.kernel_w + columns.from) * channels;
        cells.rows = (uint32_t)(rows.to - rows.from);
    }
    return cells;
}

/* Sums of n channels, four at a time; weights: of the first one's first cell. */
static void sum_channels(const et_conv_2d *p, const int8_t *weights, const patch *cells,
                         uint32_t n, int32_t *acc)
{
    int32_t zero_point = p->quantization.input_zero_point;
    uint32_t x_row = (uint32_t)p->in.width * p->in.channels;
    uint32_t w_row = (uint32_t)p->window.kernel_w * p->in.channels;
    uint32_t row_size = w_row * p->window.kernel_h;
    for (; n >= 4; n -= 4, acc += 4, weights += 4 * row_size) {
        const int8_t *x = cells->x, *w = weights;
        acc[0] = acc[1] = acc[2] = acc[3] = 0;
        for (uint32_t row = cells->rows; row; row--, x += x_row, w += w_row) {
            et_dot_4(x, w, row_size, cells->run, zero_point, acc);
        }
    }
    for (; n; n--, acc++, weights += row_size) {
        const int8_t *x = cells->x, *w = weights;
        *acc = 0;
        for (uint32_t row = cells->rows; row; row--, x += x_row, w += w_row) {
            *acc += et_dot(x, w, cells->run, zero_point);
        }
    }
}

static void conv_position(const et_conv_2d *p, const int8_t *weights, const int32_t *bias,
                          const patch *cells, int8_t *y)
{
    uint32_t row_size =
        (uint32_t)p->window.kernel_h * p->window.kernel_w * (uint32_t)p->in.channels;
    int32_t acc[ET_REQUANTIZED];
    weights += cells->weight;
    for (uint32_t o = 0, n; o < p->out.channels; o += n, weights += n * row_size) {
        n = p->out.channels - o;
        n = n < ET_REQUANTIZED ? n : ET_REQUANTIZED;
        sum_channels(p, weights, cells, n, acc);
        et_requantize(&p->quantization, o, n, bias, acc, y);
    }
}

void et_conv_2d_forward(const et_conv_2d *p, const int8_t *weights, const int32_t *bias,
                        const int8_t *x, int8_t *y, void *scratch)
{
    (void)scratch;
    for (int32_t oy = 0; oy < p->out.height; oy++) {
        for (int32_t ox = 0; ox < p->out.width; ox++, y += p->out.channels) {
            patch cells = patch_at(p, x, oy, ox);
            conv_position(p, weights, bias, &cells, y);
        }
    }
}

/* Errors of one input cell: for each window that reads it, a product with the weights of its
 * tap, summed over the output channels. */
static void cell_error(const et_conv_2d *p, const int8_t *weights, const int8_t *e,
                       et_readers rows, et_readers columns, et_error_block *block)
{
    int32_t channels = p->in.channels, out_channels = p->out.channels;
    int32_t kernel_w = p->window.kernel_w;
    uint32_t row_size = (uint32_t)(p->window.kernel_h * kernel_w * channels);
    int32_t w_step = p->window.stride_w * channels;
    int32_t w_first = (rows.tap * kernel_w + columns.tap) * channels;
    int32_t w_row = p->window.stride_h * kernel_w * channels;
    int32_t e_first = (rows.output * p->out.width + columns.output) * out_channels;
    int32_t e_row = p->out.width * out_channels;
    int32_t c = 0;
    for (; c < channels; c += 4) {
        int32_t acc[4] = {0}, width = et_min(4, channels - c);
        for (int32_t i = 0; i < rows.count; i++) {
            const int8_t *w = weights + w_first + i * w_row + c;
            const int8_t *error = e + (e_first - i * e_row);
            for (int32_t j = columns.count; j; j--) {
                if (width == 4) {
                    et_dot_columns_4(error, w, (uint32_t)out_channels, row_size, acc);
                } else {
                    for (int32_t k = 0; k < width; k++) {
                        acc[k] += et_dot_column(error, w + k, (uint32_t)out_channels, row_size);
                    }
                }
                w += w_step;
                error -= out_channels;
            }
        }
        et_error_put_many(block, acc, (uint32_t)width);
    }
}

int32_t et_conv_2d_input_error(const et_conv_2d *p, const int8_t *weights, const int8_t *e,
                               const int8_t *x, et_clip clip, int8_t *e_in)
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

void et_conv_2d_gradient(const et_conv_2d *p, uint32_t row, const int8_t *e, const int8_t *x,
                         int32_t centre, int32_t *gradient)
{
    et_window_rows rows = {
        p->in,          p->out, p->window, p->in.channels, p->quantization.input_zero_point,
        (int16_t)centre};
    et_window_gradient(&rows, e + row, x, gradient);
}
