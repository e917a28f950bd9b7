/* FULLY_CONNECTED by MVE's vectors: forward four rows meet 16 inputs at a time, backward 16 columns
 * one error. */
#include "fully_connected_mve.h"

#include <string.h>

#include "dot.h"
#include "error_words.h"
#include "requantize.h"
#include "vectors.h"

#define COLUMNS 16u /* of weights, at once */

/* sums[k] = the products of n inputs, less the zero point, and of n weights at w + k * row; k < 4.
 * An input less the zero point takes nine bits.  Bytes hold v and offset,
 *
 *     x - zero_point = v + offset        v = x,        offset = -zero_point        from 0 on
 *     zero_point - x = v + offset        v = -x - 1,   offset = zero_point + 1     below 0
 *
 * which the weights meet one after the other: 64 products in 15 instructions. */
#ifdef ET_MVE_LOOPS

#define ROW(w, sum) ET_LANE(w, sum) "vmladava.s8 %[" sum "], %q[offset], q1\n\t"

static void sum_rows(const int8_t *x, const int8_t *w, uint32_t row, uint32_t n,
                     int32_t zero_point, int32_t *sums)
{
    static const int32_t none[4];
    int32_t flip = zero_point >> 31;
    int8x16_t offset = vdupq_n_s8((int8_t)-(zero_point ^ flip)), flips = vdupq_n_s8((int8_t)flip);
    ET_LANES(w, row, none);
    __asm__ volatile("dlstp.8 lr, %[count]\n"
                     "1:\n\t"
                     "vldrb.8 q0, [%[x]], #16\n\t"
                     "veor q0, q0, %q[flips]\n\t" ROW("w0", "s0") ROW("w1", "s1") ROW("w2", "s2")
                         ROW("w3", "s3") "letp lr, 1b"
                     : ET_LANE_OPERANDS
                     : [count] "r"(n), [offset] "w"(offset), [flips] "w"(flips)
                     : "q0", "q1", "lr", "memory");
    sums[0] = (s0 ^ flip) - flip, sums[1] = (s1 ^ flip) - flip;
    sums[2] = (s2 ^ flip) - flip, sums[3] = (s3 ^ flip) - flip;
}

#else

static void sum_rows(const int8_t *x, const int8_t *w, uint32_t row, uint32_t n,
                     int32_t zero_point, int32_t *sums)
{
    memset(sums, 0, 4 * sizeof *sums);
    et_dot_4(x, w, row, n, zero_point, sums);
}

#endif

/* What is left of four rows: each one four times. */
void et_fully_connected_mve_forward(const et_fully_connected *p, const int8_t *weights,
                                    const int32_t *bias, const int8_t *x, int8_t *y, void *scratch)
{
    const et_quantization *q = &p->quantization;
    int32_t sums[4];
    (void)scratch;
    for (uint32_t o = 0, count; o < p->out; o += count, weights += count * p->in) {
        count = o + 4 <= p->out ? 4 : 1;
        sum_rows(x, weights, count == 4 ? p->in : 0, p->in, q->input_zero_point, sums);
        et_requantize(q, o, count, bias, sums, y);
    }
}

/* sums[k] = the products of n errors and of the weights down column k. */
#ifdef ET_MVE_LOOPS

#define FOUR(at, sums) "vldrb.s32 q4, [%[w], #" at "]\n\tvmla.s32 " sums ", q4, r12\n\t"

/* Of 16 columns: 16 products in 11 instructions. */
static void sum_columns(const int8_t *e, const int8_t *w, uint32_t row, uint32_t n, int32_t *sums)
{
    __asm__ volatile("vmov.i32 q0, #0\n\tvmov.i32 q1, #0\n\tvmov.i32 q2, #0\n\tvmov.i32 q3, #0\n\t"
                     "dls lr, %[n]\n"
                     "1:\n\t"
                     "ldrsb r12, [%[e]], #1\n\t" FOUR("0", "q0") FOUR("4", "q1") FOUR("8", "q2")
                         FOUR("12", "q3") "add %[w], %[row]\n\t"
                                          "le lr, 1b\n\t"
                                          "vstrw.32 q0, [%[sums]]\n\t"
                                          "vstrw.32 q1, [%[sums], #16]\n\t"
                                          "vstrw.32 q2, [%[sums], #32]\n\t"
                                          "vstrw.32 q3, [%[sums], #48]"
                     : [e] "+&r"(e), [w] "+&l"(w)
                     : [row] "r"(row), [n] "r"(n), [sums] "r"(sums)
                     : "r12", "lr", "q0", "q1", "q2", "q3", "q4", "memory");
}

/* Of up to four columns. */
static void sum_few_columns(const int8_t *e, const int8_t *w, uint32_t row, uint32_t n,
                            uint32_t columns, int32_t *sums)
{
    __asm__ volatile("vmov.i32 q0, #0\n\t"
                     "vctp.32 %[columns]\n\t"
                     "dls lr, %[n]\n"
                     "1:\n\t"
                     "ldrsb r12, [%[e]], #1\n\t"
                     "vpst\n\t"
                     "vldrbt.s32 q1, [%[w]]\n\t"
                     "vmla.s32 q0, q1, r12\n\t"
                     "add %[w], %[row]\n\t"
                     "le lr, 1b\n\t"
                     "vstrw.32 q0, [%[sums]]"
                     : [e] "+&r"(e), [w] "+&l"(w)
                     : [row] "r"(row), [n] "r"(n), [columns] "r"(columns), [sums] "r"(sums)
                     : "r12", "lr", "q0", "q1", "cc", "memory");
}

#else

static void sum_few_columns(const int8_t *e, const int8_t *w, uint32_t row, uint32_t n,
                            uint32_t columns, int32_t *sums)
{
    for (uint32_t k = 0; k < columns; k++) {
        sums[k] = et_dot_column(e, w + k, n, row);
    }
}

static void sum_columns(const int8_t *e, const int8_t *w, uint32_t row, uint32_t n, int32_t *sums)
{
    for (uint32_t k = 0; k < COLUMNS; k += 4) {
        sum_few_columns(e, w + k, row, n, 4, sums + k);
    }
}

#endif

int32_t et_fully_connected_mve_input_error(const et_fully_connected *p, const int8_t *weights,
                                           const int8_t *e, const int8_t *x, et_clip clip,
                                           int8_t *e_in)
{
    uint32_t i = 0, row = p->in;
    int32_t sums[COLUMNS];
    if (!et_error_passes(clip)) {
        memset(e_in, 0, row);
        return 0;
    }
    et_error_words block = et_error_words_open(e_in, 0, clip);
    for (; i + COLUMNS <= row; i += COLUMNS) {
        sum_columns(e, weights + i, row, p->out, sums);
        for (uint32_t k = 0; k < COLUMNS; k += 4) {
            block.end = e_in + i + k; /* what is written so far */
            et_error_words_put_4(&block, sums + k, x + i + k, e_in + i + k);
        }
    }
    for (; i < row; i += 4) {
        uint32_t columns = row - i < 4 ? row - i : 4;
        sum_few_columns(e, weights + i, row, p->out, columns, sums);
        block.end = e_in + i;
        et_error_words_put_few(&block, sums, x + i, e_in + i, columns);
    }
    return (int32_t)block.shift;
}
