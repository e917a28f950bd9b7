/* FULLY_CONNECTED by the DSP extension: four rows at a time forward, four columns backward. */
#include "fully_connected_dsp.h"

#include <string.h>

#include "dot.h"
#include "dsp.h"
#include "error_words.h"
#include "requantize.h"

/* Four rows meet the same inputs.  For each four of these
 *
 *     x    x0 x1 x2 x3 -> (x0, x2), (x1, x3) less the zero point     LDR, two SXTAB16
 *     w    w0 w1 w2 w3 -> (w0, w2), (w1, w3)                         LDR, two SXTB16 a row
 *     acc[row] += w0 x0 + w2 x2, + w1 x1 + w3 x3                     two SMLAD a row
 *
 * 16 products in 23 instructions, two fours a turn. */
#ifdef ET_DSP_LOOPS

#define ROW(load, acc)                                                                            \
    "ldr r10, " load "\n\tsxtb16 r11, r10\n\tsmlad " acc ", r11, r8, " acc "\n\t"                 \
    "sxtb16 r10, r10, ror #8\n\tsmlad " acc ", r10, r9, " acc "\n\t"
#define FOUR_INPUTS                                                                               \
    "ldr r9, [%[x]], #4\n\tsxtab16 r8, %[offset], r9\n\tsxtab16 r9, %[offset], r9, ror "          \
    "#8\n\t" ROW("[%[w], %[row]]", "r5") ROW("[%[w], %[row], lsl #1]", "r6")                      \
        ROW("[%[w], %[third]]", "r7") ROW("[%[w]], #4", "r4")

/* n: a multiple of 8, at least 8.  Not inline: it takes all registers, of which a loop around it
 * may have one. */
static __attribute__((noinline)) void sum_rows(const int8_t *x, const int8_t *w, uint32_t row,
                                               uint32_t n, uint32_t offset, int32_t *acc)
{
    const int8_t *end = x + n;
    uint32_t third = 3 * row;
    __asm__ volatile(
        "mov r4, #0\n\t"
        "mov r5, #0\n\t"
        "mov r6, #0\n\t"
        "mov r7, #0\n"
        "1:\n\t" FOUR_INPUTS FOUR_INPUTS "cmp %[x], %[end]\n\t"
        "bne 1b\n\t"
        "ldr r8, %[acc]\n\t"
        "stm r8, {r4-r7}"
        : [x] "+&r"(x), [w] "+&r"(w)
        : [row] "r"(row), [third] "r"(third), [end] "r"(end), [offset] "r"(offset), [acc] "m"(acc)
        : "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "cc", "memory");
}

#else

static void sum_rows(const int8_t *x, const int8_t *w, uint32_t row, uint32_t n, uint32_t offset,
                     int32_t *acc)
{
    memset(acc, 0, 4 * sizeof *acc);
    for (uint32_t i = 0; i < n; i += 4) {
        uint32_t inputs = et_load_word(x + i);
        uint32_t even = et_bytes_02_plus(offset, inputs), odd = et_bytes_13_plus(offset, inputs);
        for (uint32_t k = 0; k < 4; k++) {
            uint32_t weights = et_load_word(w + k * row + i);
            acc[k] = et_mac_halves(et_bytes_02(weights), even, acc[k]);
            acc[k] = et_mac_halves(et_bytes_13(weights), odd, acc[k]);
        }
    }
}

#endif

void et_fully_connected_dsp_forward(const et_fully_connected *p, const int8_t *weights,
                                    const int32_t *bias, const int8_t *x, int8_t *y, void *scratch)
{
    const et_quantization *q = &p->quantization;
    uint32_t offset = (uint16_t)-q->input_zero_point * 0x10001u, whole = p->in & ~7u, o = 0;
    (void)scratch;
    for (; o + 4 <= p->out; o += 4, weights += 4 * p->in) {
        int32_t acc[4];
        sum_rows(x, weights, p->in, whole, offset, acc);
        et_dot_4(x + whole, weights + whole, p->in, p->in - whole, q->input_zero_point, acc);
        et_requantize(q, o, 4, bias, acc, y);
    }
    for (uint32_t end = o + et_left_over(p->out); o != end; o++, weights += p->in) {
        int32_t acc = et_dot(x, weights, p->in, q->input_zero_point);
        et_requantize(q, o, 1, bias, &acc, y);
    }
}

/* Four columns down four rows at a time
 *
 *     e    e0 e1 e2 e3 -> (e0, e2), (e1, e3)
 *     w    rows 0 and 2, c0 c1 c2 c3 each -> (w0, w2) of each column    two LDR, two PKH
 *     acc[column] += w0 e0 + w2 e2        SXTB16 and SMLAD a column; then rows 1 and 3
 *
 * 16 products in 29 instructions. */
#ifdef ET_DSP_LOOPS

#define TWO_ROWS(load0, load2, e)                                                                 \
    "ldr r10, " load0 "\n\tldr r11, " load2 "\n\t"                                                \
    "pkhbt r12, r10, r11, lsl #16\n\tpkhtb r11, r11, r10, asr #16\n\t"                            \
    "sxtb16 r10, r12\n\tsmlad r4, r10, " e ", r4\n\t"                                             \
    "sxtb16 r12, r12, ror #8\n\tsmlad r5, r12, " e ", r5\n\t"                                     \
    "sxtb16 r10, r11\n\tsmlad r6, r10, " e ", r6\n\t"                                             \
    "sxtb16 r11, r11, ror #8\n\tsmlad r7, r11, " e ", r7\n\t"

/* n rows: a multiple of 4, at least 4. */
static __attribute__((noinline)) void sum_columns(const int8_t *e, const int8_t *w, uint32_t row,
                                                  uint32_t n, int32_t *acc)
{
    const int8_t *end = e + n;
    uint32_t third = 3 * row;
    __asm__ volatile("mov r4, #0\n\t"
                     "mov r5, #0\n\t"
                     "mov r6, #0\n\t"
                     "mov r7, #0\n"
                     "1:\n\t"
                     "ldr r9, [%[e]], #4\n\t"
                     "sxtb16 r8, r9\n\t"
                     "sxtb16 r9, r9, ror #8\n\t" TWO_ROWS("[%[w]]", "[%[w], %[row], lsl #1]", "r8")
                         TWO_ROWS("[%[w], %[row]]", "[%[w], %[third]]",
                                  "r9") "add %[w], %[w], %[row], lsl #2\n\t"
                                        "cmp %[e], %[end]\n\t"
                                        "bne 1b\n\t"
                                        "ldr r8, %[acc]\n\t"
                                        "stm r8, {r4-r7}"
                     : [e] "+&r"(e), [w] "+&r"(w)
                     : [row] "r"(row), [third] "r"(third), [end] "r"(end), [acc] "m"(acc)
                     : "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "cc", "memory");
}

#else

static void sum_columns(const int8_t *e, const int8_t *w, uint32_t row, uint32_t n, int32_t *acc)
{
    memset(acc, 0, 4 * sizeof *acc);
    for (uint32_t o = 0; o < n; o += 2, w += 2 * row) {
        uint32_t pair = et_low_halves((uint32_t)e[o], (uint32_t)e[o + 1]);
        for (uint32_t k = 0; k < 4; k++) {
            uint32_t weights = et_low_halves((uint32_t)w[k], (uint32_t)w[row + k]);
            acc[k] = et_mac_halves(weights, pair, acc[k]);
        }
    }
}

#endif

int32_t et_fully_connected_dsp_input_error(const et_fully_connected *p, const int8_t *weights,
                                           const int8_t *e, const int8_t *x, et_clip clip,
                                           int8_t *e_in)
{
    uint32_t left = et_left_over(p->out), whole = p->out - left, i = 0;
    if (!et_error_passes(clip)) {
        memset(e_in, 0, p->in);
        return 0;
    }
    et_error_words block = et_error_words_open(e_in, 0, clip);
    for (; i + 4 <= p->in; i += 4) {
        int32_t acc[4];
        sum_columns(e, weights + i, p->in, whole, acc);
        if (left) {
            et_dot_columns_4(e + whole, weights + i + whole * p->in, left, p->in, acc);
        }
        block.end = e_in + i; /* what is written so far */
        et_error_words_put_4(&block, acc, x + i, e_in + i);
    }
    for (uint32_t end = i + et_left_over(p->in); i != end; i++) {
        int32_t acc = et_dot_column(e, weights + i, p->out, p->in);
        block.end = e_in + i;
        et_error_words_put_few(&block, &acc, x + i, e_in + i, 1);
    }
    return (int32_t)block.shift;
}
