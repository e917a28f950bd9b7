/* MAX_POOL_2D. */
#include <string.h>

#include "error_block.h"
#include "requantize.h"
#include "window.h"

/* A window's cells inside the input. */
typedef struct {
    et_range rows, columns;
} cells;

static cells cells_of(const et_pool_2d *p, int32_t oy, int32_t ox)
{
    int32_t y = oy * p->window.stride_h - p->window.pad_h;
    int32_t column = ox * p->window.stride_w - p->window.pad_w;
    et_range rows = et_taps_inside(y, p->window.kernel_h, p->in.height);
    et_range columns = et_taps_inside(column, p->window.kernel_w, p->in.width);
    cells inside = {{y + rows.from, y + rows.to}, {column + columns.from, column + columns.to}};
    return inside;
}

/* The first largest cell in row-major order; -1 where the window has none. */
static int32_t first_largest(const et_pool_2d *p, const cells *window, const int8_t *x,
                             int32_t channel)
{
    int32_t most = -129, cell = -1, channels = p->in.channels;
    for (int32_t y = window->rows.from; y < window->rows.to; y++) {
        int32_t at = (y * p->in.width + window->columns.from) * channels + channel;
        for (int32_t n = window->columns.to - window->columns.from; n > 0; n--) {
            int32_t value = x[at];
            if (value > most) {
                most = value;
                cell = at;
            }
            at += channels;
        }
    }
    return cell;
}

void et_max_pool_2d_forward(const et_pool_2d *p, const int8_t *x, int8_t *y)
{
    for (int32_t oy = 0; oy < p->out.height; oy++) {
        for (int32_t ox = 0; ox < p->out.width; ox++) {
            cells window = cells_of(p, oy, ox);
            for (int32_t c = 0; c < p->out.channels; c++) {
                int32_t cell = first_largest(p, &window, x, c);
                *y++ = et_clamp(cell < 0 ? -128 : x[cell], p->activation_min, p->activation_max);
            }
        }
    }
}

/* The errors of the windows that x[cell] wins. */
static int32_t cell_error(const et_pool_2d *p, const int8_t *e, const int8_t *x, int32_t cell,
                          et_readers rows, et_readers columns)
{
    int32_t channels = p->in.channels, channel = cell % channels, acc = 0;
    for (int32_t i = 0; i < rows.count; i++) {
        for (int32_t j = 0; j < columns.count; j++) {
            int32_t oy = rows.output - i, ox = columns.output - j;
            cells window = cells_of(p, oy, ox);
            if (first_largest(p, &window, x, channel) == cell) {
                acc += e[(oy * p->out.width + ox) * channels + channel];
            }
        }
    }
    return acc;
}

/* Windows that do not overlap: each error goes to one cell, and none needs a shift. */
static void route(const et_pool_2d *p, const int8_t *e, const int8_t *x, et_clip clip,
                  int8_t *e_in)
{
    memset(e_in, 0, (uint32_t)p->in.height * p->in.width * p->in.channels);
    for (int32_t oy = 0; oy < p->out.height; oy++) {
        for (int32_t ox = 0; ox < p->out.width; ox++) {
            cells window = cells_of(p, oy, ox);
            for (int32_t c = 0; c < p->out.channels; c++) {
                int32_t cell = first_largest(p, &window, x, c);
                int8_t error = *e++;
                if (cell >= 0 && x[cell] > clip.low && x[cell] < clip.high) {
                    e_in[cell] = error;
                }
            }
        }
    }
}

int32_t et_max_pool_2d_input_error(const et_pool_2d *p, const int8_t *e, const int8_t *x,
                                   et_clip clip, int8_t *e_in)
{
    const et_window *w = &p->window;
    et_error_block block = et_error_open(e_in, x, clip);
    int32_t cell = 0;
    if (w->stride_h >= w->kernel_h && w->stride_w >= w->kernel_w) {
        route(p, e, x, clip, e_in);
        return 0;
    }
    for (int32_t y = 0; y < p->in.height; y++) {
        et_readers rows = et_readers_of(y + w->pad_h, w->kernel_h, w->stride_h, p->out.height);
        for (int32_t column = 0; column < p->in.width; column++) {
            et_readers columns =
                et_readers_of(column + w->pad_w, w->kernel_w, w->stride_w, p->out.width);
            for (int32_t c = 0; c < p->in.channels; c++) {
                et_error_put(&block, cell_error(p, e, x, cell++, rows, columns));
            }
        }
    }
    return (int32_t)block.shift;
}
