/* What the DSP kernels of a convolution share: its windows over x, or over the errors where the
 * error of the input is worked out, times a panel of weights. */
#ifndef ET_WINDOWS_DSP_H
#define ET_WINDOWS_DSP_H

#include "dsp.h"
#include "operators.h"
#include "vectors.h"

/* Windows one beside the other: rows * columns of them, the first one's first tap at (top, left).
 * Cells outside of data have the value fill. */
typedef struct {
    const int8_t *data;
    int32_t height, width, depth; /* of data */
    int32_t kernel_h, kernel_w, stride_h, stride_w;
    int32_t top, left, rows, columns;
    int32_t fill;
    int32_t clipped; /* rows of taps outside of data may be left out: fill is 0 */
} et_windows;

/* Those of a convolution over its input. */
et_windows et_windows_of(const et_conv_2d *p, const int8_t *x);

static inline int32_t et_padded(int32_t k)
{
    return (k + 3) & ~3;
}

/* Four columns of weights as the sums read them, each of size values, a multiple of 4. */
#ifdef ET_VECTORS

/* One column behind the other. */
typedef int8_t et_panel;

#define ET_PANEL_K 1 /* from one k to the next */

static inline et_panel *et_panel_column(et_panel *panel, int32_t size, int32_t column)
{
    return panel + column * size;
}

static inline void et_panel_put(et_panel *panel, int32_t size, int32_t k, int32_t column,
                                int32_t value)
{
    panel[column * size + k] = (int8_t)value;
}

#else

/* In halves: of each four k first k, k + 2 of column 0 to 3, then k + 1, k + 3 of column 0 to 3. */
typedef int16_t et_panel;

#define ET_PANEL_K 4
#define ET_PANEL_STEP 16 /* halves of a panel for four k */

static inline et_panel *et_panel_column(et_panel *panel, int32_t size, int32_t column)
{
    (void)size;
    return panel + 2 * column;
}

static inline void et_panel_put(et_panel *panel, int32_t size, int32_t k, int32_t column,
                                int32_t value)
{
    (void)size;
    panel[k / 4 * ET_PANEL_STEP + (k & 1) * 8 + column * 2 + (k >> 1 & 1)] = (int16_t)value;
}

#endif

/* Two windows at once: sums[c] of the one at first, sums[4 + c] of the one at second, begun at
 * start.  rows of run bytes each (a multiple of 4), line bytes apart.  size: of a column. */
typedef struct {
    const int32_t *start;
    int32_t *sums;
    const et_panel *panel;
    const int8_t *first, *second;
    int32_t rows, run, line, size;
} et_two_windows;

void et_sum_two_windows(const et_two_windows *two);

/* Where all rows are one, or columns are what lies one below the other, the same windows in one
 * row. */
void et_join_windows(et_windows *w);

/* The columns of windows that lie inside data, from .. to - 1; none where rows are too short to
 * be read in place. */
typedef struct {
    int32_t from, to;
} et_inside;

et_inside et_columns_inside(const et_windows *w);

/* Whether all taps of a row of windows lie inside data, or may be left out. */
int et_row_inside(const et_windows *w, int32_t row);

/* The windows (row, column) and (row, column + 1) in data itself; sums, start and panel are the
 * caller's. */
et_two_windows et_windows_in_place(const et_windows *w, const et_panel *panel, int32_t row,
                                   int32_t column);

/* Copies one window, filled up with fill to a multiple of 4. */
void et_copy_window(const et_windows *w, int32_t row, int32_t column, int8_t *to);

/* The same of one window, or of two side by side, in copies at patches; of one, both are it. */
et_two_windows et_windows_copied(const et_windows *w, const et_panel *panel, int32_t row,
                                 int32_t column, int32_t count, int8_t *patches);

#endif
