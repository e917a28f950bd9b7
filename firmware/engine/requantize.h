/* From accumulators to int8.  docs/numerics.md section 2. */
#ifndef ET_REQUANTIZE_H
#define ET_REQUANTIZE_H

#include "operators.h"

/* x * multiplier * 2**(shift - 31), rounded twice as the TFLite reference kernels do;
 * -31 <= shift <= 30, and x * 2**shift must fit in 32 bits. */
static inline int32_t et_multiply(int32_t x, int32_t multiplier, int32_t shift)
{
    uint32_t left = shift > 0 ? (uint32_t)shift : 0u;
    uint32_t right = shift < 0 ? (uint32_t)-shift : 0u;
    int64_t product = (int64_t)(int32_t)((uint32_t)x << left) * multiplier;
    /* Half up, which here equals the reference's truncation of a signed nudge. */
    int32_t high = (int32_t)((product + (1 << 30)) >> 31);
    int32_t mask = (int32_t)((1u << right) - 1u);
    int32_t threshold = (mask >> 1) + (high < 0);
    return (high >> right) + ((high & mask) > threshold);
}

static inline int8_t et_clamp(int32_t value, int32_t low, int32_t high)
{
    value = value < low ? low : value;
    return (int8_t)(value > high ? high : value);
}

static inline int8_t et_requantize(const et_quantization *q, uint32_t channel, int32_t acc)
{
    int32_t y = et_multiply(acc, q->multiplier[channel], q->shift[channel]);
    return et_clamp(y + q->output_zero_point, q->activation_min, q->activation_max);
}

#endif
