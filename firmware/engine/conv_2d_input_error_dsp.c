/* The error of CONV_2D's input by the DSP extension: for the cells that the same taps reach a
 * convolution of the errors with these taps, from the last to the first. */
#include <string.h>

#include "conv_2d_dsp.h"
#include "error_words.h"
#include "window.h"
#include "windows_dsp.h"

#define FORETELLING 8 /* pairs of cells */

/* Cells first + step * 0, 1, 2 ... along one axis: those that the same taps reach.  Their windows
 * over the errors begin at start and have as many taps, of which the last one of the kernel is
 * the first. */
typedef struct {
    int32_t first, step, count; /* of cells */
    int32_t start, taps, tap;   /* tap: the lowest of the kernel, the next one step further */
} phase;

static phase phase_of(int32_t first, int32_t in, int32_t kernel, int32_t stride, int32_t pad)
{
    int32_t tap = (first + pad) % stride;
    int32_t taps = tap < kernel ? (kernel - tap + stride - 1) / stride : 0;
    phase cells = {first,
                   stride,
                   (in - first + stride - 1) / stride,
                   (first + pad - tap) / stride - (taps - 1),
                   taps,
                   tap};
    return cells;
}

/* Of convolutions through which errors pass. */
static et_window window_of(const et_conv_2d *p)
{
#ifdef ET_FLAT_CONVOLUTIONS
    et_window one = {1, 1, 1, 1, 0, 0};
    (void)p;
    return one;
#else
    return p->window;
#endif
}

typedef struct {
    const et_conv_2d *p;
    const int8_t *weights, *x;
    phase down, across;
    int32_t first, row_step, column_step; /* of the cells, in values of x */
    et_error_words *block;
    et_panel *panel;
    int8_t *patches;
} error_phase;

static et_windows windows_of_errors(const error_phase *f, const int8_t *e)
{
    const et_conv_2d *p = f->p;
    et_windows w = {e,
                    p->out.height,
                    p->out.width,
                    p->out.channels,
                    f->down.taps,
                    f->across.taps,
                    1,
                    1,
                    f->down.start,
                    f->across.start,
                    f->down.count,
                    f->across.count,
                    0,
                    1};
    return w;
}

static int32_t cell_at(const error_phase *f, int32_t row, int32_t column)
{
    return f->first + row * f->row_step + column * f->column_step;
}

#ifdef ET_VECTORS

/* Four input channels' weights of one tap and any number of outputs, from k on. */
static void fill_tap(const int8_t *w, int32_t row_size, int32_t outputs, int32_t size, int32_t k,
                     et_panel *panel)
{
    for (int32_t c = 0; c < 4; c++) {
        et_pick_bytes(w + c, row_size, outputs, panel + c * size + k);
    }
}

static int in_groups(int32_t outputs)
{
    (void)outputs;
    return 1;
}

#else

ET_DSP_INLINE void put_pairs(et_panel *panel, uint32_t first, uint32_t second)
{
    uint32_t low = et_low_halves(first, second), high = et_high_halves(first, second);
    et_store_word(panel, et_bytes_02(low));
    et_store_word(panel + 2, et_bytes_13(low));
    et_store_word(panel + 4, et_bytes_02(high));
    et_store_word(panel + 6, et_bytes_13(high));
}

/* Four input channels' weights of one tap, from k on; those of four outputs make 4 k. */
static void fill_tap(const int8_t *w, int32_t row_size, int32_t outputs, int32_t size, int32_t k,
                     et_panel *panel)
{
    (void)size;
    panel += ET_PANEL_K * k;
    for (; outputs; outputs -= 4, w += 4 * row_size, panel += ET_PANEL_STEP) {
        put_pairs(panel, et_load_word(w), et_load_word(w + 2 * row_size));
        put_pairs(panel + 8, et_load_word(w + row_size), et_load_word(w + 3 * row_size));
    }
}

static int in_groups(int32_t outputs)
{
    return et_left_over((uint32_t)outputs) == 0;
}

#endif

/* Column by column, of any number of outputs and up to four channels. */
static void fill_any_tap(const int8_t *w, int32_t row_size, int32_t outputs, int32_t width,
                         int32_t size, int32_t k, et_panel *panel)
{
    for (int32_t o = 0; o < outputs; o++, w += row_size) {
        for (int32_t c = 0; c < 4; c++) {
            et_panel_put(panel, size, k + o, c, c < width ? w[c] : 0);
        }
    }
}

/* The panel of channels c .. c + width - 1: taps from the last to the first, of each all
 * outputs. */
static void fill_error_panel(const error_phase *f, int32_t c, int32_t width)
{
    const et_conv_2d *p = f->p;
    int32_t row_size = p->window.kernel_h * p->window.kernel_w * p->in.channels;
    int32_t outputs = p->out.channels, k = 0;
    int32_t size = et_padded(f->down.taps * f->across.taps * outputs);
    for (int32_t i = f->down.taps - 1; i >= 0; i--) {
        for (int32_t j = f->across.taps - 1; j >= 0; j--, k += outputs) {
            int32_t tap = (f->down.tap + i * f->down.step) * p->window.kernel_w + f->across.tap +
                          j * f->across.step;
            const int8_t *w = f->weights + tap * p->in.channels + c;
            if (width == 4 && in_groups(outputs)) {
                fill_tap(w, row_size, outputs, size, k, f->panel);
            } else {
                fill_any_tap(w, row_size, outputs, width, size, k, f->panel);
            }
        }
    }
    for (; k % 4; k++) {
        for (int32_t column = 0; column < 4; column++) {
            et_panel_put(f->panel, size, k, column, 0);
        }
    }
}

static const int32_t nothing[8];

/* Pairs of cells, each two further than the one before; at: offset of the first cell's channel. */
static __attribute__((noinline)) void error_pairs(const error_phase *f,
                                                  const et_two_windows *first, int32_t pairs,
                                                  int32_t depth, int32_t at)
{
    et_two_windows two = *first;
    et_error_words block = *f->block; /* of vectors in registers */
    int32_t sums[8], step = f->column_step;
    const int8_t *x = f->x + at;
    int8_t *e_in = block.start + at;
    two.start = nothing;
    two.sums = sums;
    for (; pairs; pairs--, two.first += 2 * depth, two.second += 2 * depth) {
        et_sum_two_windows(&two);
        et_error_words_put_4(&block, sums, x, e_in);
        et_error_words_put_4(&block, sums + 4, x + step, e_in + step);
        x += 2 * step;
        e_in += 2 * step;
    }
    *f->block = block;
}

/* One cell, or two side by side, through copies of their windows. */
static void error_patches(const error_phase *f, const et_windows *w, int32_t row, int32_t column,
                          int32_t count, int32_t c, int32_t width)
{
    et_two_windows two = et_windows_copied(w, f->panel, row, column, count, f->patches);
    if (count == 2 && width == 4) {
        error_pairs(f, &two, 1, 0, cell_at(f, row, column) + c);
        return;
    }
    int32_t sums[8];
    two.start = nothing;
    two.sums = sums;
    et_sum_two_windows(&two);
    for (int32_t i = 0; i < count; i++) {
        int32_t at = cell_at(f, row, column + i) + c;
        int8_t *e_in = f->block->start + at;
        if (width == 4) {
            et_error_words_put_4(f->block, sums + 4 * i, f->x + at, e_in);
        } else {
            et_error_words_put_few(f->block, sums + 4 * i, f->x + at, e_in, (uint32_t)width);
        }
    }
}

static void error_row(const error_phase *f, const et_windows *w, et_inside inside, int32_t row,
                      int32_t c, int32_t width)
{
    int32_t column = 0, in_place = width == 4 && et_row_inside(w, row);
    while (column < w->columns) {
        int32_t pairs = (inside.to - column) / 2;
        if (in_place && column >= inside.from && pairs > 0) {
            et_two_windows two = et_windows_in_place(w, f->panel, row, column);
            error_pairs(f, &two, pairs, w->depth, cell_at(f, row, column) + c);
            column += 2 * pairs;
            continue;
        }
        int32_t count = column + 1 < w->columns ? 2 : 1;
        error_patches(f, w, row, column, count, c, width);
        column += count;
    }
}

/* Sets out with a shift that some cells of the middle row need, before any is written: the fewer
 * bytes are halved later. */
static void foretell_shift(const error_phase *f, const et_windows *w, et_inside inside)
{
    int32_t sums[8], row = w->rows / 2, count = (inside.to - inside.from) / 2;
    et_error_words *block = f->block;
    int8_t *end = block->end;
    block->end = block->start;
    for (int32_t i = 0; i < FORETELLING && et_row_inside(w, row) && count > 0; i++) {
        int32_t column = inside.from + 2 * (count * i / FORETELLING);
        et_two_windows two = et_windows_in_place(w, f->panel, row, column);
        two.start = nothing;
        two.sums = sums;
        et_sum_two_windows(&two);
        const int8_t *x = f->x + cell_at(f, row, column);
        et_error_words_grow(block, sums, x, 4);
        et_error_words_grow(block, sums + 4, x + f->column_step, 4);
    }
    block->end = end;
}

/* The cells that no window reads. */
static void clear_cells(const error_phase *f)
{
    for (int32_t row = 0; row < f->down.count; row++) {
        for (int32_t column = 0; column < f->across.count; column++) {
            memset(f->block->start + cell_at(f, row, column), 0, f->p->in.channels);
        }
    }
}

/* Where the phase's cells lie; one behind the other they are one row. */
static et_windows place_cells(error_phase *f, const int8_t *e)
{
    et_windows w = windows_of_errors(f, e);
    int32_t line = f->p->in.width * f->p->in.channels;
    f->first = f->down.first * line + f->across.first * f->p->in.channels;
    f->row_step = f->down.step * line;
    f->column_step = f->across.step * f->p->in.channels;
    if (w.columns == 1) {
        f->column_step = f->row_step;
    }
    if (w.columns == 1 || f->row_step == f->column_step * w.columns) {
        et_join_windows(&w);
    }
    return w;
}

/* All channels of a phase's cells, four at a time. */
static void error_of_phase(error_phase *f, const int8_t *e)
{
    int32_t channels = f->p->in.channels;
    et_windows w = place_cells(f, e);
    if (!w.kernel_h || !w.kernel_w) {
        clear_cells(f);
        return;
    }
    et_inside inside = et_columns_inside(&w);
    for (int32_t c = 0; c < channels; c += 4) {
        int32_t width = et_four_of(channels - c);
        fill_error_panel(f, c, width);
        if (!f->first && !c && width == 4) {
            foretell_shift(f, &w, inside);
        }
        for (int32_t row = 0; row < w.rows; row++) {
            error_row(f, &w, inside, row, c, width);
        }
    }
}

int32_t et_conv_2d_dsp_input_error(const et_conv_2d *p, const int8_t *weights, const int8_t *e,
                                   const int8_t *x, et_clip clip, int8_t *e_in, void *scratch)
{
    const et_window window = window_of(p);
    uint32_t size = (uint32_t)p->in.height * p->in.width * p->in.channels;
    int32_t k = et_padded(window.kernel_h * window.kernel_w * p->out.channels);
    if (!et_error_passes(clip)) {
        memset(e_in, 0, size);
        return 0;
    }
    et_error_words block = et_error_words_open(e_in, size, clip);
    et_panel *panel = scratch;
    error_phase f = {.p = p,
                     .weights = weights,
                     .x = x,
                     .block = &block,
                     .panel = panel,
                     .patches = (int8_t *)(panel + 4 * k)};
    for (int32_t y = 0; y < et_min(window.stride_h, p->in.height); y++) {
        f.down = phase_of(y, p->in.height, window.kernel_h, window.stride_h, window.pad_h);
        for (int32_t column = 0; column < et_min(window.stride_w, p->in.width); column++) {
            f.across =
                phase_of(column, p->in.width, window.kernel_w, window.stride_w, window.pad_w);
            error_of_phase(&f, e);
        }
    }
    return (int32_t)block.shift;
}
