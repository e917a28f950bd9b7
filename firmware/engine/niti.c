#include "error_block.h"
#include "steps.h"

#define MOST 127u

/* Bits that are shifted out: ceil(log2(largest)) less those that stay. */
static uint32_t shift_of(uint32_t largest, uint32_t bits)
{
    uint32_t width = 0;
    for (largest -= 1; largest; largest >>= 1) {
        width++;
    }
    return width > bits ? width - bits : 0;
}

/* Pseudo-stochastic rounding: up where the upper half of the bits shifted out exceeds the lower
 * half, which stands for a random number. */
static uint32_t shifted(uint32_t magnitude, uint32_t shift)
{
    uint32_t half = shift >> 1, rest = magnitude & ((1u << shift) - 1);
    uint32_t lower = (rest & ((1u << half) - 1)) << (shift & 1);
    return (magnitude >> shift) + (rest >> half > lower);
}

uint32_t et_rule_steps(const et_steps *steps, uint32_t row, int32_t *gradient)
{
    uint32_t taken = 0, count = steps->layer->row_size + 1;
    (void)row;
    if (steps->largest < 2) { /* a logarithm of 0 is as published no gradient's */
        return 0;
    }
    uint32_t shift = shift_of(steps->largest, steps->layer->rule->bits);
    for (; count; count--, gradient++) {
        uint32_t step = shifted(et_magnitude(*gradient), shift);
        step = step < MOST ? step : MOST;
        taken += step;
        *gradient = *gradient < 0 ? -(int32_t)step : (int32_t)step;
    }
    return taken;
}
