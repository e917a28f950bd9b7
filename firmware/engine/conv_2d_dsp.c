/* CONV_2D by the DSP extension: four channels at a time, of which a panel is made, over all
 * positions, two at a time.  Windows inside the input are read in place, others copied first. */
#include "conv_2d_dsp.h"

#include "requantize_dsp.h"
#include "window.h"
#include "windows_dsp.h"

static int32_t row_size_of(const et_conv_2d *p)
{
    return p->window.kernel_h * p->window.kernel_w * p->in.channels;
}

#ifdef ET_VECTORS

/* One column of a panel from size weights; returns their sum. */
static int32_t fill_column(const int8_t *weights, int32_t size, int32_t doubled, et_panel *column)
{
    (void)doubled;
    return et_copy_summed(column, weights, size, et_padded(size));
}

#else

/* Four weights; returns sum and they. */
ET_DSP_INLINE int32_t put_four_weights(uint32_t word, uint32_t again, et_panel *panel, int32_t sum)
{
    uint32_t even = et_bytes_02(word), odd = et_bytes_13(word);
    even = et_add_halves(even, even & again);
    odd = et_add_halves(odd, odd & again);
    et_store_word(panel, even);
    et_store_word(panel + 8, odd);
    return et_mac_halves(odd, 0x10001, et_mac_halves(even, 0x10001, sum));
}

/* One column of a panel from size weights; returns their sum. */
static int32_t fill_column(const int8_t *weights, int32_t size, int32_t doubled, et_panel *panel)
{
    uint32_t again = doubled ? UINT32_MAX : 0,
             rest = 0; /* again: the halves are added once more */
    int32_t sum = 0, left = (int32_t)et_left_over((uint32_t)size);
    const int8_t *end = weights + size - left;
    for (; weights != end; weights += 4, panel += ET_PANEL_STEP) {
        sum = put_four_weights(et_load_word(weights), again, panel, sum);
    }
    for (int32_t i = left - 1; i >= 0; i--) {
        rest = rest << 8 | (uint8_t)weights[i];
    }
    return left ? put_four_weights(rest, again, panel, sum) : sum;
}

#endif

/* The panel of the group's rows; what is missing of four is zero. */
static void fill_panel(const int8_t *weights, int32_t size, et_outputs_4 *outputs, et_panel *panel)
{
    int32_t sums[4] = {0};
    for (int32_t c = 0; c < 4; c++) {
        if (c < et_four_of(outputs->width)) {
            et_panel *column = et_panel_column(panel, et_padded(size), c);
            sums[c] = fill_column(weights + c * size, size, outputs->doubled, column);
            continue;
        }
        for (int32_t k = 0; k < et_padded(size); k++) {
            et_panel_put(panel, et_padded(size), k, c, 0);
        }
    }
    et_outputs_take(outputs, sums);
}

typedef struct {
    const et_windows *windows;
    const et_panel *panel;
    const et_outputs_4 *outputs;
    int8_t *patches, *y; /* y: of the first window, the group's first channel */
    int32_t channels;    /* from one output to the next */
} forward_group;

/* Pairs of windows, each two further than the one before. */
static __attribute__((noinline)) void
forward_pairs(const forward_group *g, const et_two_windows *first, int32_t pairs, int8_t *y)
{
    et_two_windows two = *first;
    const et_outputs_4 *outputs = g->outputs;
    int32_t sums[8], step = 2 * g->windows->stride_w * g->windows->depth, channels = g->channels;
    two.start = outputs->bias;
    two.sums = sums;
    if (!et_outputs_quick(outputs)) {
        for (; pairs; pairs--, two.first += step, two.second += step, y += 2 * channels) {
            et_sum_two_windows(&two);
            et_outputs_put_any(outputs, sums, y);
            et_outputs_put_any(outputs, sums + 4, y + channels);
        }
        return;
    }
    for (; pairs; pairs--, two.first += step, two.second += step, y += 2 * channels) {
        et_sum_two_windows(&two);
        et_outputs_put_two(outputs, sums, y, y + channels);
    }
}

/* One window, or two side by side, through copies. */
static void forward_patches(const forward_group *g, int32_t row, int32_t column, int32_t count,
                            int8_t *y)
{
    et_two_windows two = et_windows_copied(g->windows, g->panel, row, column, count, g->patches);
    if (count == 2) {
        forward_pairs(g, &two, 1, y);
        return;
    }
    int32_t sums[8];
    two.start = g->outputs->bias;
    two.sums = sums;
    et_sum_two_windows(&two);
    et_outputs_put_any(g->outputs, sums, y);
}

static void forward_row(const forward_group *g, et_inside inside, int32_t row)
{
    const et_windows *w = g->windows;
    int8_t *y = g->y + row * w->columns * g->channels;
    int32_t column = 0, in_place = et_row_inside(w, row);
    while (column < w->columns) {
        int32_t pairs = (inside.to - column) / 2;
        if (in_place && column >= inside.from && pairs > 0) {
            et_two_windows two = et_windows_in_place(w, g->panel, row, column);
            forward_pairs(g, &two, pairs, y + column * g->channels);
            column += 2 * pairs;
            continue;
        }
        int32_t count = column + 1 < w->columns ? 2 : 1;
        forward_patches(g, row, column, count, y + column * g->channels);
        column += count;
    }
}

/* All channels of the windows' positions, four at a time. */
static void forward_windows(const et_conv_2d *p, const int8_t *weights, const int32_t *bias,
                            const et_windows *w, int8_t *y, et_panel *panel, int8_t *patches)
{
    int32_t size = row_size_of(p), channels = p->out.channels;
    et_inside inside = et_columns_inside(w);
    for (int32_t o = 0; o < channels; o += 4) {
        uint32_t width = (uint32_t)et_four_of(channels - o);
        et_outputs_4 outputs =
            et_outputs_of(&p->quantization, bias, (uint32_t)o, width, (uint32_t)size, ET_DOUBLING);
        forward_group g = {w, panel, &outputs, patches, y + o, channels};
        fill_panel(weights + o * size, size, &outputs, panel);
        for (int32_t row = 0; row < w->rows; row++) {
            forward_row(&g, inside, row);
        }
    }
}

/* How many windows are copied beside each other before any channel is worked out; 0 where they
 * are read in place: there enough of them can be, or a few would take too much room. */
static int32_t copies_at_once(const et_windows *w, int32_t size)
{
    et_inside inside = et_columns_inside(w);
    int32_t most = ET_DSP_COLUMNS / size, positions = w->rows * w->columns;
    int32_t pairs = (inside.to - inside.from - (inside.from & 1)) / 2;
    if (4 * pairs >= w->columns || most < ET_DSP_FEWEST) {
        return 0;
    }
    int32_t times = (positions + most - 1) / most;
    return ((positions + times - 1) / times + 1) & ~1;
}

/* Windows first .. first + count - 1 copied beside each other, as cells of their own. */
static et_windows copied_windows(const et_windows *w, int32_t size, int32_t first, int32_t count,
                                 int8_t *to)
{
    et_windows copies = {to, 1, count, size, 1, 1, 1, 1, 0, 0, 1, count, 0, 0};
    int32_t row = first / w->columns, column = first % w->columns;
    for (int32_t i = 0; i < count; i++, to += size) {
        et_copy_window(w, row, column++, to);
        if (column == w->columns) {
            column = 0;
            row++;
        }
    }
    return copies;
}

void et_conv_2d_dsp_forward(const et_conv_2d *p, const int8_t *weights, const int32_t *bias,
                            const int8_t *x, int8_t *y, void *scratch)
{
    et_windows w = et_windows_of(p, x);
    int32_t size = et_padded(row_size_of(p));
    et_panel *panel = scratch;
    int8_t *patches = (int8_t *)(panel + 4 * size), *copies = patches + 2 * size;
    et_join_windows(&w);
    int32_t count = copies_at_once(&w, size), positions = w.rows * w.columns;
    if (!count) {
        forward_windows(p, weights, bias, &w, y, panel, patches);
        return;
    }
    for (int32_t first = 0; first < positions; first += count) {
        et_windows some =
            copied_windows(&w, size, first, et_min(count, positions - first), copies);
        forward_windows(p, weights, bias, &some, y + first * p->out.channels, panel, patches);
    }
}
