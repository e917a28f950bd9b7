/* SQUARED_DIFFERENCE: both operands on one scale with 7 more bits, then their difference's square
 * on the output's. */
#include "error_block.h"
#include "requantize.h"

static int32_t on_one_scale(const et_term *term, int32_t value)
{
    int32_t shifted = (value - term->zero_point) * (1 << 7);
    return term->sign * et_multiply(shifted, term->multiplier, term->shift);
}

void et_squared_difference_forward(const et_squared_difference *p, const int8_t *x,
                                   const int8_t *other, int8_t *y)
{
    for (uint32_t i = 0; i < p->count; i++) {
        int32_t difference =
            on_one_scale(&p->terms[0], x[i]) + on_one_scale(&p->terms[1], other[i]);
        int32_t value = et_multiply(difference * difference, p->multiplier, p->shift);
        y[i] = et_clamp(value + p->output_zero_point, -128, 127);
    }
}

/* Each error times the difference, as the operand counts in it. */
int32_t et_squared_difference_input_error(const et_squared_difference *p, uint32_t operand,
                                          const int8_t *e, const int8_t *x, const int8_t *other,
                                          et_clip clip, int8_t *e_in)
{
    et_error_block block = et_error_open(e_in, x, clip);
    const et_term *own = &p->terms[operand], *others = &p->terms[1 - operand];
    for (uint32_t i = 0; i < p->count; i++) {
        int32_t difference = on_one_scale(own, x[i]) + on_one_scale(others, other[i]);
        et_error_put(&block, e[i] * difference * own->sign);
    }
    return (int32_t)block.shift;
}
