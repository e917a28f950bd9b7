#include "null_mass.h"

#include "scaled.h"

#define MASS_BITS 24

typedef struct {
    uint32_t mantissa;
    int32_t exponent;
} scaled;

/* To the larger of two exponents, by dropping bits. A state from anywhere may name any exponent:
 * their difference wraps. */
static scaled at_exponent(scaled value, int32_t exponent)
{
    int32_t drop = (int32_t)((uint32_t)exponent - (uint32_t)value.exponent);
    if (drop > 0) {
        value.mantissa = drop < 32 ? value.mantissa >> drop : 0;
        value.exponent = exponent;
    }
    return value;
}

static scaled scaled_mass(uint64_t mass, int32_t exponent)
{
    int32_t drop = et_bit_length(mass | 1) - MASS_BITS;
    drop = drop > 0 ? drop : 0;
    scaled result = {(uint32_t)(mass >> drop), exponent + drop};
    return result;
}

static void count_mass(et_null_mass *null_mass, scaled mass)
{
    scaled total = {null_mass->total, null_mass->count ? null_mass->exponent : mass.exponent};
    total = at_exponent(total, mass.exponent);
    null_mass->total = total.mantissa + at_exponent(mass, total.exponent).mantissa;
    null_mass->exponent = total.exponent;
    null_mass->count++;
}

/* The next bits of a quotient: what is left of a dividend, below the divisor, has room for them. */
static inline uint32_t next_bits(uint32_t *left, uint32_t divisor, uint32_t bits)
{
    uint32_t dividend = *left << bits, digit = dividend / divisor;
    *left = dividend - digit * divisor;
    return digit;
}

/* By long division of masses of MASS_BITS, which those from any state are cut to, as 64 bits by 32
 * are a call of a hundred instructions. */
static uint32_t share_q16(uint32_t s, uint32_t all)
{
    uint32_t share = next_bits(&s, all, 7) << 9;
    share += next_bits(&s, all, 7) << 2;
    return share + next_bits(&s, all, 2);
}

uint32_t et_null_mass_ratio(et_null_mass *null_mass, uint64_t full, int32_t exponent)
{
    scaled mass = scaled_mass(full, exponent);
    if (null_mass->count < ET_MEAN_COUNT) {
        count_mass(null_mass, mass);
    }
    scaled mean = {null_mass->total / null_mass->count % (1u << MASS_BITS), null_mass->exponent};
    uint32_t s = at_exponent(mass, mean.exponent).mantissa;
    uint32_t c = at_exponent(mean, mass.exponent).mantissa;
    return s ? share_q16(s, s + c) : 0;
}
