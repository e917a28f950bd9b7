/* ADD and SUB: both operands on one scale with 20 more bits, then their sum on the output's. */
#include "error_block.h"
#include "requantize.h"

static int32_t on_the_sums_scale(const et_term *term, int32_t value)
{
    int32_t shifted = (value - term->zero_point) * (1 << 20);
    return term->sign * et_multiply(shifted, term->multiplier, term->shift);
}

void et_add_forward(const et_add *p, const int8_t *x, const int8_t *other, int8_t *y)
{
    const int8_t *next = other, *end = other + p->period;
    for (uint32_t i = 0; i < p->count; i++) {
        int32_t sum =
            on_the_sums_scale(&p->terms[0], x[i]) + on_the_sums_scale(&p->terms[1], *next++);
        int32_t value = et_multiply(sum, p->multiplier, p->shift) + p->output_zero_point;
        y[i] = et_clamp(value, p->activation_min, p->activation_max);
        next = next == end ? other : next;
    }
}

/* Of the first operand each error as it is; of the second one the sum over its repetitions. */
int32_t et_add_input_error(const et_add *p, uint32_t operand, const int8_t *e, const int8_t *x,
                           et_clip clip, int8_t *e_in)
{
    et_error_block block = et_error_open(e_in, x, clip);
    uint32_t size = operand ? p->period : p->count;
    for (uint32_t i = 0; i < size; i++) {
        int32_t acc = 0;
        for (uint32_t k = i; k < p->count; k += size) {
            acc += e[k];
        }
        et_error_put(&block, acc * p->terms[operand].sign);
    }
    return (int32_t)block.shift;
}
