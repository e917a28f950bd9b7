/* SOFTMAX over one vector. */
#include "softmax.h"

/* int8 of scale 1/256 and zero point -128, rounded half up. */
void et_softmax_forward(const et_exponential *p, uint32_t classes, const int8_t *x, int8_t *y)
{
    int32_t most = et_largest(x, classes);
    uint64_t total = 0;
    for (uint32_t i = 0; i < classes; i++) {
        total += et_exponential_of(p, most - x[i]);
    }
    for (uint32_t i = 0; i < classes; i++) {
        uint64_t term = et_exponential_of(p, most - x[i]);
        int32_t share = (int32_t)((term * 512 + total) / (2 * total)) - 128;
        y[i] = (int8_t)(share > 127 ? 127 : share);
    }
}
