#include "scaled.h"

#define DIGIT_BITS 8 /* of a quotient that are found at once: 32 bits hold a mantissa and them */

/* A state from anywhere may name any exponent: sums of them wrap. */
static int32_t wrapping_sum(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

static uint64_t words_of(uint32_t mantissa, int32_t exponent)
{
    return (uint64_t)(uint32_t)exponent << 32 | mantissa;
}

uint64_t et_scaled_of_words(uint64_t value, int32_t exponent)
{
    if (value == 0) {
        return 0;
    }
    int32_t drop = et_bit_length(value) - ET_SCALED_BITS;
    uint32_t mantissa = drop > 0 ? (uint32_t)(value >> drop) : (uint32_t)value << -drop;
    return words_of(mantissa, wrapping_sum(exponent, drop));
}

/* Of a mantissa that has one bit too many or is right. */
static uint64_t carried(uint32_t mantissa, int32_t exponent)
{
    uint32_t carry = mantissa >> ET_SCALED_BITS ? 1 : 0;
    return words_of(mantissa >> carry, wrapping_sum(exponent, (int32_t)carry));
}

uint64_t et_scaled_product_words(uint32_t a, int32_t a_exponent, uint32_t b, int32_t b_exponent)
{
    uint64_t product = (uint64_t)a * b;
    if (product == 0) {
        return 0;
    }
    int32_t exponent = wrapping_sum(a_exponent, b_exponent);
    return carried((uint32_t)(product >> (ET_SCALED_BITS - 1)),
                   wrapping_sum(exponent, ET_SCALED_BITS - 1));
}

/* By long division, as 64 bits by 32 are a call of hundreds of instructions: what is left of a
 * mantissa is below the divisor, and there is room for a digit behind it. */
uint64_t et_scaled_quotient_words(uint32_t a, int32_t a_exponent, uint32_t b, int32_t b_exponent)
{
    uint32_t quotient = 0;
    if (a == 0) {
        return words_of(a, a_exponent);
    }
    for (uint32_t bits = 0; bits < ET_SCALED_BITS; bits += DIGIT_BITS) {
        uint32_t digit = (a << DIGIT_BITS) / b;
        a = (a << DIGIT_BITS) - digit * b;
        quotient = (quotient << DIGIT_BITS) + digit;
    }
    uint32_t exponent = (uint32_t)a_exponent - (uint32_t)b_exponent - ET_SCALED_BITS;
    return carried(quotient, (int32_t)exponent);
}

uint64_t et_scaled_sum_words(uint32_t a, int32_t a_exponent, uint32_t b, int32_t b_exponent)
{
    if (a == 0) {
        return words_of(b, b_exponent);
    }
    if (b == 0) {
        return words_of(a, a_exponent);
    }
    uint32_t large = a, small = b, drop = (uint32_t)a_exponent - (uint32_t)b_exponent;
    if (a_exponent < b_exponent) {
        large = b, small = a, drop = 0 - drop, a_exponent = b_exponent;
    }
    return carried(large + (drop < 32 ? small >> drop : 0), a_exponent);
}

uint32_t et_scaled_q16_words(uint32_t mantissa, int32_t exponent)
{
    int32_t shift = wrapping_sum(exponent, 16);
    if (shift > 32 - ET_SCALED_BITS) {
        return mantissa ? UINT32_MAX : 0;
    }
    if (shift >= 0) {
        return mantissa << shift;
    }
    return shift > -32 ? mantissa >> -shift : 0;
}
