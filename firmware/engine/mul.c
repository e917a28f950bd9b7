/* MUL. */
#include "error_block.h"
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

/* Each error times the other operand's value; for the second operand summed over its
 * repetitions. */
int32_t et_mul_input_error(const et_mul *p, uint32_t operand, const int8_t *e, const int8_t *x,
                           const int8_t *other, et_clip clip, int8_t *e_in)
{
    et_error_block block = et_error_open(e_in, x, clip);
    int32_t zero_point = p->zero_points[1 - operand];
    uint32_t size = operand ? p->period : p->count, at = 0;
    for (uint32_t i = 0; i < size; i++) {
        int32_t acc = 0;
        for (uint32_t k = i; k < p->count; k += size) {
            acc += e[k] * (other[operand ? k : at] - zero_point);
        }
        et_error_put(&block, acc);
        at = at + 1 == p->period ? 0 : at + 1;
    }
    return (int32_t)block.shift;
}
