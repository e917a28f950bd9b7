/* Positive numbers as a mantissa of 24 bits and an exponent: what a rule measures spans more
 * than 32 bits.  Every operation truncates.  docs/numerics.md section 5. */
#ifndef ET_SCALED_H
#define ET_SCALED_H

#include <stdint.h>

#define ET_SCALED_BITS 24

/* mantissa * 2**exponent; the mantissa has its 24th bit set, or both are 0. */
typedef struct {
    uint32_t mantissa;
    int32_t exponent;
} et_scaled;

/* The operations themselves, in registers throughout, where the ABI has structures in memory.  They
 * return the mantissa as the low half and the exponent as the high one. */
uint64_t et_scaled_of_words(uint64_t value, int32_t exponent);
uint64_t et_scaled_product_words(uint32_t a, int32_t a_exponent, uint32_t b, int32_t b_exponent);
uint64_t et_scaled_quotient_words(uint32_t a, int32_t a_exponent, uint32_t b, int32_t b_exponent);
uint64_t et_scaled_sum_words(uint32_t a, int32_t a_exponent, uint32_t b, int32_t b_exponent);
uint32_t et_scaled_q16_words(uint32_t mantissa, int32_t exponent);

#define ET_SCALED_INLINE static inline __attribute__((always_inline))

ET_SCALED_INLINE int32_t et_bit_length(uint64_t value) /* which is not 0 */
{
    uint32_t high = (uint32_t)(value >> 32);
    return high ? 64 - __builtin_clz(high) : 32 - __builtin_clz((uint32_t)value);
}

ET_SCALED_INLINE et_scaled et_scaled_from(uint64_t words)
{
    et_scaled result = {(uint32_t)words, (int32_t)(words >> 32)};
    return result;
}

ET_SCALED_INLINE et_scaled et_scaled_of(uint64_t value, int32_t exponent) /* value * 2**exponent */
{
    return et_scaled_from(et_scaled_of_words(value, exponent));
}

ET_SCALED_INLINE et_scaled et_scaled_product(et_scaled a, et_scaled b)
{
    return et_scaled_from(et_scaled_product_words(a.mantissa, a.exponent, b.mantissa, b.exponent));
}

ET_SCALED_INLINE et_scaled et_scaled_quotient(et_scaled a, et_scaled b) /* b is not 0 */
{
    return et_scaled_from(
        et_scaled_quotient_words(a.mantissa, a.exponent, b.mantissa, b.exponent));
}

ET_SCALED_INLINE et_scaled et_scaled_sum(et_scaled a, et_scaled b)
{
    return et_scaled_from(et_scaled_sum_words(a.mantissa, a.exponent, b.mantissa, b.exponent));
}

/* a * numerator / denominator, both below 2^8. */
ET_SCALED_INLINE et_scaled et_scaled_ratio(et_scaled a, uint32_t numerator, uint32_t denominator)
{
    return et_scaled_of(a.mantissa * numerator / denominator, a.exponent);
}

/* In Q16, at most 2^32 - 1. */
ET_SCALED_INLINE uint32_t et_scaled_q16(et_scaled a)
{
    return et_scaled_q16_words(a.mantissa, a.exponent);
}

#endif
