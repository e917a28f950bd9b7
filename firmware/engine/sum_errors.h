/* The gradient of biases, over the constant of their input: the sum of each channel's errors. */
#ifndef ET_SUM_ERRORS_H
#define ET_SUM_ERRORS_H

#include <stdint.h>
#include <string.h>

static inline void et_sum_errors(const int8_t *e, uint32_t positions, uint32_t rows, int32_t *sums)
{
    memset(sums, 0, rows * sizeof *sums);
    for (; positions; positions--) {
        for (uint32_t row = 0; row < rows; row++) {
            sums[row] += *e++;
        }
    }
}

#endif
