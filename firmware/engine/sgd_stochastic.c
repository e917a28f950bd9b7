#include "error_block.h"
#include "generator.h"
#include "sgd.h"

/* A random word for every step that has a fraction. */
uint32_t et_sgd_round(int32_t *gradient, uint32_t count, et_sgd_scale scale, uint32_t generator[2])
{
    uint32_t taken = 0;
    for (; count; count--, gradient++) {
        uint32_t q16 = et_sgd_q16(scale, et_magnitude(*gradient));
        uint32_t step = q16 >> 16, fraction = q16 & 0xFFFF;
        if (fraction) {
            step += (et_generator_next(generator) >> 16) < fraction;
        }
        taken += step;
        *gradient = *gradient < 0 ? -(int32_t)step : (int32_t)step;
    }
    return taken;
}
