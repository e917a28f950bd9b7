/* SOFTMAX over one vector. */
#include "softmax.h"

void et_softmax_forward(const et_exponential *p, uint32_t classes, const int8_t *x, int8_t *y)
{
    int32_t most = et_largest(x, classes);
    uint64_t total = et_total(p, classes, x, most);
    for (uint32_t i = 0; i < classes; i++) {
        y[i] = et_share(p, most - x[i], total);
    }
}
