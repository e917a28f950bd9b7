#include "null_mass.h"

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
    for (; mass >> MASS_BITS; exponent++) {
        mass >>= 1;
    }
    scaled result = {(uint32_t)mass, exponent};
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

uint32_t et_null_mass_ratio(et_null_mass *null_mass, uint64_t full, int32_t exponent)
{
    scaled mass = scaled_mass(full, exponent);
    if (null_mass->count < ET_MEAN_COUNT) {
        count_mass(null_mass, mass);
    }
    scaled mean = {null_mass->total / null_mass->count, null_mass->exponent};
    uint64_t s = at_exponent(mass, mean.exponent).mantissa;
    uint64_t c = at_exponent(mean, mass.exponent).mantissa;
    return s ? (uint32_t)((s << 16) / (s + c)) : 0;
}
