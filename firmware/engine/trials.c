#include "trials.h"

#include "generator.h"

#define MEAN_COUNT 64u /* C is the mean of the first so many masses */
#define MASS_BITS 24

typedef struct {
    uint32_t mantissa;
    int32_t exponent;
} scaled;

/* To the larger of two exponents, by dropping bits. */
static scaled at_exponent(scaled value, int32_t exponent)
{
    int32_t drop = exponent - value.exponent;
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

/* S / (S + C) in Q16. */
static uint32_t ratio_q16(et_null_mass *null_mass, scaled mass)
{
    if (null_mass->count < MEAN_COUNT) {
        count_mass(null_mass, mass);
    }
    scaled mean = {null_mass->total / null_mass->count, null_mass->exponent};
    uint64_t s = at_exponent(mass, mean.exponent).mantissa;
    uint64_t c = at_exponent(mean, mass.exponent).mantissa;
    return s ? (uint32_t)((s << 16) / (s + c)) : 0;
}

/* 1 - step / total_steps in Q16. */
static uint32_t anneal_q16(const et_learner *learner)
{
    uint32_t step = learner->step, total = learner->total_steps;
    if (total == 0) {
        return 1u << 16;
    }
    return step < total ? (uint32_t)(((uint64_t)(total - step) << 16) / total) : 0;
}

uint32_t et_trials(const et_trained *layer, uint64_t mass, int32_t exponent, et_learner *learner)
{
    uint64_t ratio = ratio_q16(layer->null_mass, scaled_mass(mass, exponent));
    uint64_t n_q16 = (((layer->limit_q8 * ratio) >> 8) * anneal_q16(learner)) >> 16;
    uint32_t extra = (et_generator_next(learner->generator) >> 16) < (n_q16 & 0xFFFF);
    return (uint32_t)(n_q16 >> 16) + extra;
}
