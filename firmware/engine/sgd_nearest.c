#include "error_block.h"
#include "sgd.h"

/* Halves away from zero. */
uint32_t et_sgd_round(int32_t *gradient, uint32_t count, et_sgd_scale scale, uint32_t generator[2])
{
    uint32_t taken = 0;
    (void)generator;
    for (; count; count--, gradient++) {
        uint32_t step = (et_sgd_q16(scale, et_magnitude(*gradient)) + 0x8000) >> 16;
        taken += step;
        *gradient = *gradient < 0 ? -(int32_t)step : (int32_t)step;
    }
    return taken;
}
