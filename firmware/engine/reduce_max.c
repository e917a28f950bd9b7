/* REDUCE_MAX. */
#include <string.h>

#include "operators.h"

/* The first of the largest values that share an output, from the first of all. */
static const int8_t *first_largest(const et_reduction *p, const int8_t *x)
{
    const int8_t *first = x;
    for (uint32_t k = p->columns; k; k--) {
        const int8_t *cell = x++;
        for (uint32_t n = p->rows; n; n--, cell += p->inner * p->columns) {
            if (*cell > *first || (*cell == *first && cell < first)) {
                first = cell;
            }
        }
    }
    return first;
}

void et_reduce_max_forward(const et_reduction *p, const int8_t *x, int8_t *y)
{
    uint32_t row = p->inner * p->columns;
    for (uint32_t o = p->outer; o; o--, x += p->rows * row) {
        for (uint32_t i = 0; i < row; i += p->columns) {
            *y++ = *first_largest(p, x + i);
        }
    }
}

/* Each error goes to one value, and none needs a shift. */
int32_t et_reduce_max_input_error(const et_reduction *p, const int8_t *e, const int8_t *x,
                                  et_clip clip, int8_t *e_in)
{
    uint32_t row = p->inner * p->columns, first = 0;
    memset(e_in, 0, p->outer * p->rows * row);
    for (uint32_t o = p->outer; o; o--, first += p->rows * row) {
        for (uint32_t i = 0; i < row; i += p->columns) {
            const int8_t *most = first_largest(p, x + first + i);
            int8_t error = *e++;
            if (*most > clip.low && *most < clip.high) {
                e_in[most - x] = error;
            }
        }
    }
    return 0;
}
