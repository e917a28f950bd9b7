#include "scaled.h"

/* A state from anywhere may name any exponent: sums of them wrap. */
static int32_t wrapping_sum(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

et_scaled et_scaled_of(uint64_t value, int32_t first)
{
    et_scaled result = {0, 0};
    uint32_t exponent = (uint32_t)first;
    if (value == 0) {
        return result;
    }
    for (; value >> (ET_SCALED_BITS + 8); exponent += 8) {
        value >>= 8;
    }
    for (; value >> ET_SCALED_BITS; exponent++) {
        value >>= 1;
    }
    uint32_t mantissa = (uint32_t)value;
    for (; !(mantissa >> (ET_SCALED_BITS - 1)); exponent--) {
        mantissa <<= 1;
    }
    result.mantissa = mantissa;
    result.exponent = (int32_t)exponent;
    return result;
}

et_scaled et_scaled_product(et_scaled a, et_scaled b)
{
    return et_scaled_of((uint64_t)a.mantissa * b.mantissa, wrapping_sum(a.exponent, b.exponent));
}

et_scaled et_scaled_quotient(et_scaled a, et_scaled b)
{
    uint64_t quotient = ((uint64_t)a.mantissa << ET_SCALED_BITS) / b.mantissa;
    uint32_t exponent = (uint32_t)a.exponent - (uint32_t)b.exponent - ET_SCALED_BITS;
    return et_scaled_of(quotient, (int32_t)exponent);
}

et_scaled et_scaled_sum(et_scaled a, et_scaled b)
{
    if (a.mantissa == 0 || b.mantissa == 0) {
        return a.mantissa ? a : b;
    }
    et_scaled large = a.exponent > b.exponent ? a : b, small = a.exponent > b.exponent ? b : a;
    uint32_t drop = (uint32_t)large.exponent - (uint32_t)small.exponent;
    uint32_t rest = drop < 32 ? small.mantissa >> drop : 0;
    return et_scaled_of((uint64_t)large.mantissa + rest, large.exponent);
}

et_scaled et_scaled_ratio(et_scaled a, uint32_t numerator, uint32_t denominator)
{
    return et_scaled_of((uint64_t)a.mantissa * numerator / denominator, a.exponent);
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
