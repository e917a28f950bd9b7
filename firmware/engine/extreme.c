/* MAXIMUM and MINIMUM of two operands. */
#include "error_block.h"

void et_extreme_forward(const et_extreme *p, const int8_t *x, const int8_t *other, int8_t *y)
{
    for (uint32_t i = 0; i < p->count; i++) {
        y[i] = (other[i] - x[i]) * p->sign > 0 ? other[i] : x[i];
    }
}

/* Each error goes to the value that was chosen; where both are alike to the first operand's. */
int32_t et_extreme_input_error(const et_extreme *p, uint32_t operand, const int8_t *e,
                               const int8_t *x, const int8_t *other, et_clip clip, int8_t *e_in)
{
    et_error_block block = et_error_open(e_in, x, clip);
    int32_t least = operand ? 1 : 0;
    for (uint32_t i = 0; i < p->count; i++) {
        et_error_put(&block, (x[i] - other[i]) * p->sign >= least ? e[i] : 0);
    }
    return (int32_t)block.shift;
}
