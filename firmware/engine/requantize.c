#include "requantize.h"

void et_requantize(const et_quantization *q, uint32_t first, uint32_t n,
                   const int32_t *restrict bias, const int32_t *restrict acc, int8_t *restrict y)
{
    const int32_t *restrict multiplier = q->multiplier + first, *restrict shift = q->shift + first;
    int32_t zero_point = q->output_zero_point;
    int32_t low = q->activation_min, high = q->activation_max;
    bias += first;
    for (int8_t *end = y + first + n, *out = y + first; out != end;) {
        int32_t value = et_multiply(*bias++ + *acc++, *multiplier++, *shift++) + zero_point;
        *out++ = et_clamp(value, low, high);
    }
}
