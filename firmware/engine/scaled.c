#include "scaled.h"

#define DIGIT_BITS 8 /* of a quotient that are found at once: 32 bits hold a mantissa and them */

/* A state from anywhere may name any exponent: sums of them wrap. */
static int32_t wrapping_sum(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

static int32_t bit_length(uint64_t value) /* which is not 0 */
{
    uint32_t high = (uint32_t)(value >> 32);
    return high ? 64 - __builtin_clz(high) : 32 - __builtin_clz((uint32_t)value);
}

et_scaled et_scaled_of(uint64_t value, int32_t exponent)
{
    et_scaled result = {0, 0};
    if (value) {
        int32_t drop = bit_length(value) - ET_SCALED_BITS;
        result.mantissa = drop > 0 ? (uint32_t)(value >> drop) : (uint32_t)value << -drop;
        result.exponent = wrapping_sum(exponent, drop);
    }
    return result;
}

/* Of a mantissa that has one bit too many or is right. */
static et_scaled carried(uint32_t mantissa, int32_t exponent)
{
    uint32_t carry = mantissa >> ET_SCALED_BITS ? 1 : 0;
    et_scaled result = {mantissa >> carry, wrapping_sum(exponent, (int32_t)carry)};
    return result;
}

et_scaled et_scaled_product(et_scaled a, et_scaled b)
{
    uint64_t product = (uint64_t)a.mantissa * b.mantissa;
    if (product == 0) {
        return et_scaled_of(0, 0);
    }
    int32_t exponent = wrapping_sum(a.exponent, b.exponent);
    return carried((uint32_t)(product >> (ET_SCALED_BITS - 1)),
                   wrapping_sum(exponent, ET_SCALED_BITS - 1));
}

/* By long division, as 64 bits by 32 are a call of hundreds of instructions: what is left of a
 * mantissa is below the divisor, and there is room for a digit behind it. */
et_scaled et_scaled_quotient(et_scaled a, et_scaled b)
{
    uint32_t quotient = 0, left = a.mantissa;
    if (a.mantissa == 0) {
        return a;
    }
    for (uint32_t bits = 0; bits < ET_SCALED_BITS; bits += DIGIT_BITS) {
        uint32_t digit = (left << DIGIT_BITS) / b.mantissa;
        left = (left << DIGIT_BITS) - digit * b.mantissa;
        quotient = (quotient << DIGIT_BITS) + digit;
    }
    uint32_t exponent = (uint32_t)a.exponent - (uint32_t)b.exponent - ET_SCALED_BITS;
    return carried(quotient, (int32_t)exponent);
}

et_scaled et_scaled_sum(et_scaled a, et_scaled b)
{
    if (a.mantissa == 0 || b.mantissa == 0) {
        return a.mantissa ? a : b;
    }
    et_scaled large = a.exponent > b.exponent ? a : b, small = a.exponent > b.exponent ? b : a;
    uint32_t drop = (uint32_t)large.exponent - (uint32_t)small.exponent;
    uint32_t rest = drop < 32 ? small.mantissa >> drop : 0;
    return carried(large.mantissa + rest, large.exponent);
}

et_scaled et_scaled_ratio(et_scaled a, uint32_t numerator, uint32_t denominator)
{
    return et_scaled_of(a.mantissa * numerator / denominator, a.exponent);
}

uint32_t et_scaled_q16(et_scaled a)
{
    int32_t shift = wrapping_sum(a.exponent, 16);
    if (shift > 32 - ET_SCALED_BITS) {
        return a.mantissa ? UINT32_MAX : 0;
    }
    if (shift >= 0) {
        return a.mantissa << shift;
    }
    return shift > -32 ? a.mantissa >> -shift : 0;
}
