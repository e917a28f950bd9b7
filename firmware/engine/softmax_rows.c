/* SOFTMAX over vectors. */
#include "error_block.h"
#include "softmax.h"

void et_softmax_rows_forward(const et_softmax_rows *p, const int8_t *x, int8_t *y)
{
    for (uint32_t row = p->rows; row; row--, x += p->classes) {
        int32_t most = et_largest(x, p->classes);
        uint64_t total = et_total(&p->exponential, p->classes, x, most);
        for (uint32_t i = 0; i < p->classes; i++) {
            *y++ = et_share(&p->exponential, most - x[i], total);
        }
    }
}

/* Q15 */
static int32_t probability(const et_exponential *p, int32_t below, uint64_t total)
{
    return (int32_t)((((uint64_t)et_exponential_of(p, below) << 15) + total / 2) / total);
}

static int32_t mean_error(const et_softmax_rows *p, const int8_t *e, const int8_t *x, int32_t most,
                          uint64_t total)
{
    int32_t mean = 0;
    for (uint32_t i = 0; i < p->classes; i++) {
        mean += e[i] * probability(&p->exponential, most - x[i], total);
    }
    return mean;
}

/* Of each value its probability times what its error is above the vector's mean. */
int32_t et_softmax_rows_input_error(const et_softmax_rows *p, const int8_t *e, const int8_t *x,
                                    et_clip clip, int8_t *e_in)
{
    et_error_block block = et_error_open(e_in, x, clip);
    for (uint32_t row = p->rows; row; row--, e += p->classes, x += p->classes) {
        int32_t most = et_largest(x, p->classes);
        uint64_t total = et_total(&p->exponential, p->classes, x, most);
        int32_t mean = mean_error(p, e, x, most, total);
        for (uint32_t i = 0; i < p->classes; i++) {
            int32_t share = probability(&p->exponential, most - x[i], total);
            et_error_put(&block, share * ((e[i] * (1 << 15) - mean) / 256));
        }
    }
    return (int32_t)block.shift;
}
