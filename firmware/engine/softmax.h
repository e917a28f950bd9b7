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

#endif
