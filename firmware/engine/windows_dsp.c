#include "windows_dsp.h"

#include <string.h>

#include "window.h"

#define SHORT_RUN 16 /* bytes: starting a row costs more than copying fewer */

/* Where products take most of the time copies are functions, else part of their callers. */
#ifdef ET_VECTORS
#define COPIES ET_DSP_INLINE
#else
#define COPIES static __attribute__((noinline))
#endif

#ifdef ET_VECTORS

/* Four columns of weights meet a window, row by row as et_sum_lanes sums.  Pointers move by 16
 * past a row's end, from where they are taken back. */
#ifdef ET_MVE_LOOPS

#define MOVE(w) "add %[" w "], lr\n\t"

ET_DSP_INLINE void sum_rows(const et_two_windows *two, const int8_t *x, const int32_t *start,
                            int32_t *sums)
{
    ET_LANES(two->panel, two->size, start);
    int32_t rows = two->rows, run = two->run, back = run - ((run + 15) & ~15);
    int32_t skip = two->line - run + back;
    __asm__ volatile("1:\n\t" /* a row */
                     "dlstp.8 lr, %[run]\n"
                     "2:\n\t" ET_SUM_LANES "letp lr, 2b\n\t"
                     "subs %[rows], #1\n\t"
                     "beq 3f\n\t"
                     "add %[x], %[skip]\n\t"
                     "ldr lr, %[back]\n\t"
                     "cmp lr, #0\n\t"
                     "beq 1b\n\t" MOVE("w0") MOVE("w1") MOVE("w2")
                         MOVE("w3") "b 1b\n"
                                    "3:\n\t"
                                    "ldr lr, %[sums]\n\t"
                                    "strd %[s0], %[s1], [lr]\n\t"
                                    "strd %[s2], %[s3], [lr, #8]"
                     : ET_LANE_OPERANDS, [rows] "+&r"(rows)
                     : [run] "r"(run), [skip] "r"(skip), [back] "m"(back), [sums] "m"(sums)
                     : "q0", "q1", "lr", "cc", "memory");
}

#else

static void sum_rows(const et_two_windows *two, const int8_t *x, const int32_t *start,
                     int32_t *sums)
{
    const et_panel *w = two->panel;
    for (int32_t row = 0; row < two->rows; row++, x += two->line, w += two->run) {
        et_sum_lanes(x, w, two->size, two->run, row ? sums : start, sums);
    }
}

#endif

ET_DSP_INLINE void sum_window(const et_two_windows *two, const int8_t *x, const int32_t *start,
                              int32_t *sums)
{
    if (two->rows == 1) {
        et_sum_lanes(x, two->panel, two->size, two->run, start, sums);
        return;
    }
    sum_rows(two, x, start, sums);
}

void et_sum_two_windows(const et_two_windows *two)
{
    sum_window(two, two->first, two->start, two->sums);
    if (two->second != two->first) {
        sum_window(two, two->second, two->start + 4, two->sums + 4);
    }
}

#else

/* Four columns of weights meet two windows in eight sums.  For each four k
 *
 *     first   | x0 x1 x2 x3 |  -> halves (x0, x2), (x1, x3)      one load and one
 *     second  | z0 z1 z2 z3 |  -> halves (z0, z2), (z1, z3)      sign extension a pair
 *     panel   column 0 to 3:  (w0, w2) ... then (w1, w3) ...     one load a column
 *
 *     sums[c]     += w0 x0 + w2 x2, then + w1 x1 + w3 x3         one SMLAD a pair
 *     sums[4 + c] += w0 z0 + w2 z2, then + w1 z1 + w3 z3
 *
 * 32 products in 32 instructions; the first load of a turn moves the panel's place on.  Sums stay
 * in r4 to r11; r0, r12 and lr are all that is left for operands, so the ends of a row lie on the
 * stack. */
#ifdef ET_DSP_LOOPS

#define COLUMN(at, a, b)                                                                          \
    "ldr lr, [%[w]" at "\n\tsmlad " a ", lr, r0, " a "\n\tsmlad " b ", lr, r12, " b "\n\t"
#define PAIRS_02 "ldr r0, [%[x]]\n\tldr r12, [%[z]]\n\tsxtb16 r0, r0\n\tsxtb16 r12, r12\n\t"
#define PAIRS_13                                                                                  \
    "ldr r0, [%[x]], #4\n\tldr r12, [%[z]], #4\n\t"                                               \
    "sxtb16 r0, r0, ror #8\n\tsxtb16 r12, r12, ror #8\n\t"
#define FOUR_K(a, b, c, d, e, f, g, h)                                                            \
    PAIRS_02 COLUMN(a, "r4", "r8") COLUMN(b, "r5", "r9") COLUMN(c, "r6", "r10")                   \
        COLUMN(d, "r7", "r11") PAIRS_13 COLUMN(e, "r4", "r8") COLUMN(f, "r5", "r9")               \
            COLUMN(g, "r6", "r10") COLUMN(h, "r7", "r11")
/* The last four before the panel's place, which the first load moves on. */
#define LAST_FOUR_K(first)                                                                        \
    FOUR_K(first, ", #-28]", ", #-24]", ", #-20]", ", #-16]", ", #-12]", ", #-8]", ", #-4]")

void et_sum_two_windows(const et_two_windows *two)
{
    const et_panel *w = two->panel;
    const int8_t *x = two->first, *z = two->second, *end = 0;
    int32_t rows = two->rows, run = two->run, skip = two->line - two->run;
    const int32_t *start = two->start;
    int32_t *sums = two->sums;
    __asm__ volatile(
        "ldr r0, %[start]\n\t"
        "ldm r0, {r4-r11}\n"
        "1:\n\t" /* a row */
        "ldr r12, %[run]\n\t"
        "add lr, %[x], r12\n\t"
        "str lr, %[end]\n\t"
        "lsls r12, r12, #29\n\t"
        "bpl 2f\n\t" LAST_FOUR_K("], #32") /* an odd four */
        "ldr lr, %[end]\n\t"
        "cmp %[x], lr\n\t"
        "beq 3f\n"
        "2:\n\t" FOUR_K("], #64", ", #-60]", ", #-56]", ", #-52]", ", #-48]", ", #-44]", ", #-40]",
                        ", #-36]") LAST_FOUR_K(", #-32]") "ldr lr, %[end]\n\t"
                                                          "cmp %[x], lr\n\t"
                                                          "bne 2b\n"
                                                          "3:\n\t" /* the next one */
                                                          "ldr r12, %[rows]\n\t"
                                                          "subs r12, #1\n\t"
                                                          "beq 4f\n\t"
                                                          "str r12, %[rows]\n\t"
                                                          "ldr r0, %[skip]\n\t"
                                                          "add %[x], r0\n\t"
                                                          "add %[z], r0\n\t"
                                                          "b 1b\n"
                                                          "4:\n\t"
                                                          "ldr r0, %[sums]\n\t"
                                                          "stm r0, {r4-r11}"
        : [w] "+&r"(w), [x] "+&r"(x), [z] "+&r"(z), [end] "+m"(end), [rows] "+m"(rows)
        : [start] "m"(start), [sums] "m"(sums), [run] "m"(run), [skip] "m"(skip)
        : "r0", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");
}

#else

static void four_k(const et_panel *w, const int8_t *x, const int8_t *z, int32_t *sums)
{
    uint32_t a = et_load_word(x), b = et_load_word(z);
    for (int32_t odd = 0; odd < 2; odd++) {
        uint32_t x_pair = odd ? et_bytes_13(a) : et_bytes_02(a);
        uint32_t z_pair = odd ? et_bytes_13(b) : et_bytes_02(b);
        for (int32_t c = 0; c < 4; c++) {
            uint32_t pair = et_load_word(w + odd * 8 + c * 2);
            sums[c] = et_mac_halves(pair, x_pair, sums[c]);
            sums[4 + c] = et_mac_halves(pair, z_pair, sums[4 + c]);
        }
    }
}

void et_sum_two_windows(const et_two_windows *two)
{
    const et_panel *w = two->panel;
    memmove(two->sums, two->start, 8 * sizeof *two->sums);
    for (int32_t row = 0; row < two->rows; row++) {
        for (int32_t k = 0; k < two->run; k += 4, w += ET_PANEL_STEP) {
            int32_t at = row * two->line + k;
            four_k(w, two->first + at, two->second + at, two->sums);
        }
    }
}

#endif
#endif

et_windows et_windows_of(const et_conv_2d *p, const int8_t *x)
{
    const et_window *window = &p->window;
    et_windows w = {x,
                    p->in.height,
                    p->in.width,
                    p->in.channels,
                    window->kernel_h,
                    window->kernel_w,
                    window->stride_h,
                    window->stride_w,
                    -window->pad_h,
                    -window->pad_w,
                    p->out.height,
                    p->out.width,
                    p->quantization.input_zero_point,
                    0};
    return w;
}

void et_join_windows(et_windows *w)
{
    if (w->kernel_h * w->kernel_w * w->stride_h * w->stride_w == 1 && !w->top && !w->left &&
        w->height == w->rows && w->width == w->columns) {
        w->width = w->columns = w->width * w->height;
        w->height = w->rows = 1;
    } else if (w->width == 1 && w->kernel_w == 1 && w->columns == 1 && !w->left) {
        w->width = w->height, w->columns = w->rows, w->left = w->top;
        w->kernel_w = w->kernel_h, w->stride_w = w->stride_h;
        w->height = w->rows = w->kernel_h = w->stride_h = 1, w->top = 0;
    }
}

et_inside et_columns_inside(const et_windows *w)
{
    int32_t run = w->kernel_w * w->depth;
    et_inside none = {0, 0};
    if (run % 4 || (run < SHORT_RUN && w->kernel_h > 1) || w->kernel_w > w->width) {
        return none;
    }
    et_range outputs = et_outputs_inside(w->left, w->stride_w, w->width, w->columns);
    et_range last =
        et_outputs_inside(w->left + w->kernel_w - 1, w->stride_w, w->width, w->columns);
    et_inside columns = {outputs.from, et_max(outputs.from, last.to)};
    return columns;
}

int et_row_inside(const et_windows *w, int32_t row)
{
    int32_t y = w->top + row * w->stride_h;
    et_range taps = et_taps_inside(y, w->kernel_h, w->height);
    return w->clipped ? taps.to > taps.from : taps.to - taps.from == w->kernel_h;
}

et_two_windows et_windows_in_place(const et_windows *w, const et_panel *panel, int32_t row,
                                   int32_t column)
{
    int32_t y = w->top + row * w->stride_h, run = w->kernel_w * w->depth;
    et_range taps = et_taps_inside(y, w->kernel_h, w->height);
    int32_t x = w->left + column * w->stride_w;
    et_two_windows two = {0};
    two.panel = panel + ET_PANEL_K * taps.from * run;
    two.first = w->data + ((y + taps.from) * w->width + x) * w->depth;
    two.second = two.first + w->stride_w * w->depth;
    two.rows = taps.to - taps.from;
    two.run = run;
    two.line = w->width * w->depth;
    two.size = et_padded(w->kernel_h * run);
    return two;
}

/* Few bytes: memcpy would take longer. */
COPIES void copy(int8_t *to, const int8_t *from, int32_t count)
{
    if (count >= 4) {
        const int8_t *whole = from + (count & ~3);
        do {
            et_store_word(to, et_load_word(from));
            to += 4;
            from += 4;
        } while (from != whole);
    }
    for (count &= 3; count; count--) {
        *to++ = *from++;
    }
}

/* Up to a multiple of 4. */
COPIES void fill(int8_t *to, int32_t value, int32_t count)
{
    uint32_t word = et_four_bytes(value);
    for (const int8_t *end = to + et_padded(count); to != end; to += 4) {
        et_store_word(to, word);
    }
}

void et_copy_window(const et_windows *w, int32_t row, int32_t column, int8_t *to)
{
    int32_t y = w->top + row * w->stride_h, x = w->left + column * w->stride_w;
    int32_t run = w->kernel_w * w->depth, line = w->width * w->depth, size = w->kernel_h * run;
    et_range rows = et_taps_inside(y, w->kernel_h, w->height);
    et_range taps = et_taps_inside(x, w->kernel_w, w->width);
    int32_t bytes = (taps.to - taps.from) * w->depth, lines = rows.to - rows.from;
    if (lines * bytes < size) {
        fill(to, w->fill, size);
    } else if (size & 3) {
        et_store_word(to + (size & ~3), 0);
    }
    if (!lines || !bytes) {
        return;
    }
    const int8_t *from = w->data + (y + rows.from) * line + (x + taps.from) * w->depth;
    to += rows.from * run + taps.from * w->depth;
    if (bytes == run && run == 4) { /* a short run inside, as most of them are */
        for (; lines; lines--, from += line, to += 4) {
            et_store_word(to, et_load_word(from));
        }
        return;
    }
    for (; lines; lines--, from += line, to += run) {
        copy(to, from, bytes);
    }
}

et_two_windows et_windows_copied(const et_windows *w, const et_panel *panel, int32_t row,
                                 int32_t column, int32_t count, int8_t *patches)
{
    int32_t size = et_padded(w->kernel_h * w->kernel_w * w->depth);
    for (int32_t i = 0; i < count; i++) {
        et_copy_window(w, row, column + i, patches + i * size);
    }
    et_two_windows two = {0, 0, panel, patches, patches + (count - 1) * size, 1, size, size, size};
    return two;
}
