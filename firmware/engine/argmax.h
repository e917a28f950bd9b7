/* Index of the largest value, the lowest one on ties. */
#ifndef ET_ARGMAX_H
#define ET_ARGMAX_H

#include <stdint.h>

static inline uint16_t et_argmax(const int8_t *values, uint32_t count)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++) {
        if (values[i] > values[best]) {
            best = i;
        }
    }
    return (uint16_t)best;
}

#endif
