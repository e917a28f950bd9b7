/* From accumulators to int8.  docs/numerics.md section 2. */
#ifndef ET_REQUANTIZE_H
#define ET_REQUANTIZE_H

#include "operators.h"

/* a * b / 2**31.  Half up, which here equals the reference's truncation of a signed nudge. */
static inline int32_t et_multiply_high(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

/* x * multiplier * 2**(shift - 31), rounded twice as the TFLite reference kernels do;
 * -31 <= shift <= 30, and x * 2**shift must fit in 32 bits. */
static inline int32_t et_multiply(int32_t x, int32_t multiplier, int32_t shift)
{
    if (shift >= 0) {
        return et_multiply_high((int32_t)((uint32_t)x << shift), multiplier);
    }
    int32_t high = et_multiply_high(x, multiplier);
    high += high >> 31; /* half away from zero: half up, of one less where negative */
    return ((high >> (-shift - 1)) + 1) >> 1;
}

static inline int8_t et_clamp(int32_t value, int32_t low, int32_t high)
{
    value = value < low ? low : value;
    return (int8_t)(value > high ? high : value);
}

/* Outputs y of channels first .. first + n - 1, from their sums of products. */
void et_requantize(const et_quantization *q, uint32_t first, uint32_t n,
                   const int32_t *restrict bias, const int32_t *restrict acc, int8_t *restrict y);

#endif
