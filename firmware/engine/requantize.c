#include "requantize.h"

/* A state from anywhere may hold any bias: sums wrap. */
static int32_t wrapping_sum(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

void et_requantize(const et_quantization *q, uint32_t first, uint32_t n,
                   const int32_t *restrict bias, const int32_t *restrict acc, int8_t *restrict y)
{
    const int32_t *restrict multiplier = q->multiplier + first;
    const int8_t *restrict shift = q->shift + first;
    int32_t zero_point = q->output_zero_point;
    int32_t low = q->activation_min, high = q->activation_max;
    bias += first;
    for (int8_t *end = y + first + n, *out = y + first; out != end;) {
        int32_t value = et_multiply(wrapping_sum(*bias++, *acc++), *multiplier++, *shift++);
        value = wrapping_sum(value, zero_point);
        value = value < low ? low : value;
        *out++ = (int8_t)(value > high ? high : value);
    }
}
