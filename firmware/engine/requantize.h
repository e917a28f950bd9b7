/* From accumulators to int8.  docs/numerics.md section 2. */
#ifndef ET_REQUANTIZE_H
#define ET_REQUANTIZE_H

#include "operators.h"

/* x * multiplier * 2**(shift - 31), rounded twice as the TFLite reference kernels do;
 * -31 <= shift <= 30, and x * 2**shift must fit in 32 bits. */
static inline int32_t et_multiply(int32_t x, int32_t multiplier, int32_t shift)
{
    int32_t left = shift > 0 ? shift : 0;
    int64_t product = (int64_t)(int32_t)((uint32_t)x << left) * multiplier;
    /* Half up, which here equals the reference's truncation of a signed nudge. */
    int32_t high = (int32_t)((product + (1 << 30)) >> 31);
    if (shift >= 0) {
        return high;
    }
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
                   const int32_t *restrict bias, const int32_t *restrict acc,
                   int8_t *restrict y);

#endif
