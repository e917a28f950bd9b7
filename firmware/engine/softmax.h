/* The exponentials of a softmax. */
#ifndef ET_SOFTMAX_H
#define ET_SOFTMAX_H

#include "operators.h"

static inline int32_t et_largest(const int8_t *x, uint32_t classes)
{
    int32_t most = -128;
    for (uint32_t i = 0; i < classes; i++) {
        most = x[i] > most ? x[i] : most;
    }
    return most;
}

/* Of a value so far below the largest one. */
static inline uint32_t et_exponential_of(const et_exponential *p, int32_t below)
{
    return (uint32_t)below < p->length ? p->table[below] : 0;
}

static inline uint64_t et_total(const et_exponential *p, uint32_t classes, const int8_t *x,
                                int32_t most)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < classes; i++) {
        total += et_exponential_of(p, most - x[i]);
    }
    return total;
}

/* A probability as int8 of scale 1/256 and zero point -128, rounded half up. */
static inline int8_t et_share(const et_exponential *p, int32_t below, uint64_t total)
{
    uint64_t term = et_exponential_of(p, below);
    int32_t share = (int32_t)((term * 512 + total) / (2 * total)) - 128;
    return (int8_t)(share > 127 ? 127 : share);
}

#endif
