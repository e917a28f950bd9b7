/* MEAN. */
#include "error_block.h"
#include "requantize.h"

void et_mean_forward(const et_mean *p, const int8_t *x, int8_t *y)
{
    uint32_t rows = p->over.rows, columns = p->over.columns, stride = p->over.inner * columns;
    for (uint32_t o = p->over.outer; o; o--, x += (rows - 1) * stride) {
        for (uint32_t i = p->over.inner; i; i--) {
            int32_t total = 0;
            for (uint32_t k = columns; k; k--) {
                const int8_t *cell = x++;
                for (uint32_t n = rows; n; n--, cell += stride) {
                    total += *cell - p->input_zero_point;
                }
            }
            int32_t mean = et_multiply(total, p->multiplier, p->shift);
            *y++ = et_clamp(mean + p->output_zero_point, -128, 127);
        }
    }
}

/* Every value takes its output's error; the constant factor is nothing that the rule sees. */
int32_t et_mean_input_error(const et_mean *p, const int8_t *e, const int8_t *x, et_clip clip,
                            int8_t *e_in)
{
    et_error_block block = et_error_open(e_in, x, clip);
    /* A row's values have an error each, or as many as there are columns share one. */
    uint32_t inner = p->over.inner, step = p->over.columns == 1;
    uint32_t runs = step ? 1 : inner, run = step ? inner : p->over.columns;
    for (uint32_t o = p->over.outer; o; o--, e += inner) {
        for (uint32_t n = p->over.rows; n; n--) {
            for (uint32_t i = 0; i < runs; i++) {
                const int8_t *error = e + i;
                for (uint32_t k = run; k; k--, error += step) {
                    et_error_put(&block, *error);
                }
            }
        }
    }
    return (int32_t)block.shift;
}
