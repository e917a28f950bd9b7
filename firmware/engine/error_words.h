/* Errors as error_block.h writes them, four at a time and at any place: the DSP kernels' writer.
 *
 * The places need not come in order.  Whenever the shift grows all bytes from start to end are
 * halved, written or not. */
#ifndef ET_ERROR_WORDS_H
#define ET_ERROR_WORDS_H

#include "dsp.h"
#include "operators.h"
#include "vectors.h"

typedef struct {
    int8_t *start, *end;
    uint32_t shift;
    int32_t round;         /* 2**shift - 1 */
    uint32_t least, above; /* four times: the lowest value let through, the lowest too high one */
    et_clip clip;
    int32_t open_above; /* nothing is too high */
} et_error_words;

/* Whether clip lets any value through; where it does not all errors are zero. */
int et_error_passes(et_clip clip);

/* Of size bytes at e; clip lets something through. */
et_error_words et_error_words_open(int8_t *e, uint32_t size, et_clip clip);

/* The shift that acc [n <= 4] needs where the values x let them through. */
void et_error_words_grow(et_error_words *block, const int32_t *acc, const int8_t *x, uint32_t n);

/* Up to four errors. */
void et_error_words_put_few(et_error_words *block, const int32_t *acc, const int8_t *x, int8_t *e,
                            uint32_t n);

/* acc / 2**shift toward zero. */
ET_DSP_INLINE int32_t et_error_mantissa(int32_t acc, int32_t round, uint32_t shift)
{
    return (acc + ((acc >> 31) & round)) >> shift;
}

/* The errors whose values x are let through. */
ET_DSP_INLINE uint32_t et_error_words_masked(const et_error_words *block, uint32_t errors,
                                             const int8_t *x)
{
    uint32_t values = et_load_word(x);
    errors = et_where_not_below(values, block->least, errors, 0);
    return block->open_above ? errors : et_where_not_below(values, block->above, 0, errors);
}

/* Of four errors that the shift is enough for. */
ET_DSP_INLINE void et_error_words_store(const et_error_words *block, int32_t a0, int32_t a1,
                                        int32_t a2, int32_t a3, const int8_t *x, int8_t *e)
{
    int32_t round = block->round;
    uint32_t shift = block->shift;
    uint32_t word =
        et_pack_bytes(et_error_mantissa(a0, round, shift), et_error_mantissa(a1, round, shift),
                      et_error_mantissa(a2, round, shift), et_error_mantissa(a3, round, shift));
    et_store_word(e, et_error_words_masked(block, word, x));
}

ET_DSP_INLINE uint32_t et_absolute_4(int32_t a0, int32_t a1, int32_t a2, int32_t a3)
{
    return et_absolute(a0) | et_absolute(a1) | et_absolute(a2) | et_absolute(a3);
}

/* Four errors.  Of vectors it is short enough to stand in its callers. */
#ifdef ET_MVE_LOOPS

ET_DSP_INLINE void et_error_words_put_4(et_error_words *block, const int32_t *a, const int8_t *x,
                                        int8_t *e)
{
    if (__builtin_expect((vmaxavq_s32(0, vldrwq_s32(a)) >> block->shift) > 127, 0)) {
        et_error_words_grow(block, a, x, 4);
    }
    int32x4_t round = vdupq_n_s32(block->round), none = vdupq_n_s32(0);
    __asm__ volatile("vldrw.32 q0, [%[a]]\n\t"
                     "vshr.s32 q1, q0, #31\n\t"
                     "vand q1, q1, %q[round]\n\t"
                     "vadd.i32 q0, q0, q1\n\t"
                     "vshl.s32 q0, %[shift]\n\t"
                     "vldrb.s32 q1, [%[x]]\n\t"
                     "vcmp.s32 gt, q1, %[low]\n\t"
                     "vpst\n\t"
                     "vcmpt.s32 lt, q1, %[high]\n\t"
                     "vpsel q0, q0, %q[none]\n\t"
                     "vstrb.32 q0, [%[e]]"
                     :
                     : [a] "r"(a), [x] "l"(x), [e] "l"(e), [round] "w"(round), [none] "w"(none),
                       [shift] "r"(-(int32_t)block->shift), [low] "r"((int32_t)block->clip.low),
                       [high] "r"((int32_t)block->clip.high)
                     : "q0", "q1", "cc", "memory");
}

#else

void et_error_words_put_4(et_error_words *block, const int32_t *a, const int8_t *x, int8_t *e);

#endif

ET_DSP_INLINE void et_error_words_put(et_error_words *block, int32_t a0, int32_t a1, int32_t a2,
                                      int32_t a3, const int8_t *x, int8_t *e)
{
    if (__builtin_expect((et_absolute_4(a0, a1, a2, a3) >> block->shift) > 127, 0)) {
        int32_t acc[4] = {a0, a1, a2, a3};
        et_error_words_grow(block, acc, x, 4);
    }
    et_error_words_store(block, a0, a1, a2, a3, x, e);
}

#endif
