/* MUL. */
#include "requantize.h"

void et_mul_forward(const et_mul *p, const int8_t *x, const int8_t *other, int8_t *y)
{
    const int8_t *next = other, *end = other + p->period;
    for (uint32_t i = 0; i < p->count; i++) {
        int32_t product = (x[i] - p->zero_points[0]) * (*next++ - p->zero_points[1]);
        int32_t value = et_multiply(product, p->multiplier, p->shift) + p->output_zero_point;
        y[i] = et_clamp(value, p->activation_min, p->activation_max);
        next = next == end ? other : next;
    }
}
