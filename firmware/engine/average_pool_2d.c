/* AVERAGE_POOL_2D: padded cells count neither in the sum nor in the number of cells. */
#include "error_block.h"
#include "requantize.h"
#include "window.h"

static et_range rows_of(const et_pool_2d *p, int32_t oy)
{
    int32_t start = oy * p->window.stride_h - p->window.pad_h;
    et_range taps = et_taps_inside(start, p->window.kernel_h, p->in.height);
    et_range rows = {start + taps.from, start + taps.to};
    return rows;
}

static et_range columns_of(const et_pool_2d *p, int32_t ox)
{
    int32_t start = ox * p->window.stride_w - p->window.pad_w;
    et_range taps = et_taps_inside(start, p->window.kernel_w, p->in.width);
    et_range columns = {start + taps.from, start + taps.to};
    return columns;
}

static int32_t size_of(et_range range)
{
    return range.to - range.from;
}

static int32_t sum(const et_pool_2d *p, et_range rows, et_range columns, const int8_t *x)
{
    int32_t total = 0, channels = p->in.channels;
    for (int32_t y = rows.from; y < rows.to; y++) {
        const int8_t *cell = x + (y * p->in.width + columns.from) * channels;
        for (int32_t n = size_of(columns); n > 0; n--, cell += channels) {
            total += *cell;
        }
    }
    return total;
}

/* Rounded half away from zero. */
static int32_t rounded_mean(int32_t total, int32_t count)
{
    return total < 0 ? -((count / 2 - total) / count) : (total + count / 2) / count;
}

void et_average_pool_2d_forward(const et_pool_2d *p, const int8_t *x, int8_t *y)
{
    for (int32_t oy = 0; oy < p->out.height; oy++) {
        et_range rows = rows_of(p, oy);
        for (int32_t ox = 0; ox < p->out.width; ox++) {
            et_range columns = columns_of(p, ox);
            int32_t count = size_of(rows) * size_of(columns);
            for (int32_t c = 0; c < p->out.channels; c++) {
                int32_t mean = rounded_mean(sum(p, rows, columns, x + c), count);
                *y++ = et_clamp(mean, p->activation_min, p->activation_max);
            }
        }
    }
}

/* The fewest cells that a window has, and whether all windows have as many. */
typedef struct {
    int32_t least, uniform;
} counts;

static counts counts_of(const et_pool_2d *p)
{
    et_range rows = {INT32_MAX, 0}, columns = {INT32_MAX, 0}; /* fewest and most */
    for (int32_t oy = 0; oy < p->out.height; oy++) {
        rows.from = et_min(rows.from, size_of(rows_of(p, oy)));
        rows.to = et_max(rows.to, size_of(rows_of(p, oy)));
    }
    for (int32_t ox = 0; ox < p->out.width; ox++) {
        columns.from = et_min(columns.from, size_of(columns_of(p, ox)));
        columns.to = et_max(columns.to, size_of(columns_of(p, ox)));
    }
    counts result = {rows.from * columns.from, rows.from == rows.to && columns.from == columns.to};
    return result;
}

/* What a window's error counts: the fewest cells over its own, in Q15; 1 where all are even. */
static int32_t share(const et_pool_2d *p, const counts *windows, int32_t oy, int32_t ox)
{
    if (windows->uniform) {
        return 1;
    }
    int32_t count = size_of(rows_of(p, oy)) * size_of(columns_of(p, ox));
    return (windows->least * 32768 + count / 2) / count;
}

static int32_t cell_error(const et_pool_2d *p, const counts *windows, const int8_t *e,
                          et_readers rows, et_readers columns)
{
    int32_t acc = 0;
    for (int32_t i = 0; i < rows.count; i++) {
        for (int32_t j = 0; j < columns.count; j++) {
            int32_t oy = rows.output - i, ox = columns.output - j;
            int32_t error = e[(oy * p->out.width + ox) * p->out.channels];
            acc += error * share(p, windows, oy, ox);
        }
    }
    return acc;
}

int32_t et_average_pool_2d_input_error(const et_pool_2d *p, const int8_t *e, const int8_t *x,
                                       et_clip clip, int8_t *e_in)
{
    const et_window *w = &p->window;
    et_error_block block = et_error_open(e_in, x, clip);
    counts windows = counts_of(p);
    for (int32_t y = 0; y < p->in.height; y++) {
        et_readers rows = et_readers_of(y + w->pad_h, w->kernel_h, w->stride_h, p->out.height);
        for (int32_t column = 0; column < p->in.width; column++) {
            et_readers columns =
                et_readers_of(column + w->pad_w, w->kernel_w, w->stride_w, p->out.width);
            for (int32_t c = 0; c < p->in.channels; c++) {
                et_error_put(&block, cell_error(p, &windows, e + c, rows, columns));
            }
        }
    }
    return (int32_t)block.shift;
}
