/* PRELU: what lies below zero times its slope. */
#include "error_block.h"
#include "requantize.h"

void et_prelu_forward(const et_prelu *p, const int8_t *x, int8_t *y)
{
    const int8_t *next = p->slopes, *end = next + p->period;
    for (uint32_t i = 0; i < p->count; i++) {
        int32_t value = x[i] - p->input_zero_point;
        if (value >= 0) {
            value = et_multiply(value, p->above_multiplier, p->above_shift);
        } else {
            value *= *next - p->slope_zero_point;
            value = et_multiply(value, p->below_multiplier, p->below_shift);
        }
        y[i] = et_clamp(value + p->output_zero_point, -128, 127);
        if (++next == end) {
            next = p->slopes;
        }
    }
}

int32_t et_prelu_input_error(const et_prelu *p, const int8_t *e, const int8_t *x, et_clip clip,
                             int8_t *e_in)
{
    et_error_block block = et_error_open(e_in, x, clip);
    const int16_t *next = p->derivatives, *end = next + p->period;
    for (uint32_t i = 0; i < p->count; i++) {
        et_error_put(&block, e[i] * (x[i] >= p->input_zero_point ? p->one : *next));
        if (++next == end) {
            next = p->derivatives;
        }
    }
    return (int32_t)block.shift;
}
