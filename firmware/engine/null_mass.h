/* The null mass C: what a step's probability of doing nothing is measured by. */
#ifndef ET_NULL_MASS_H
#define ET_NULL_MASS_H

#include <stdint.h>

#define ET_MEAN_COUNT 64u /* C is the mean of the first so many masses */

/* Of one layer: C = total * 2**exponent / count. */
typedef struct {
    uint32_t total;
    int32_t exponent;
    uint32_t count;
} et_null_mass;

/* S / (S + C) in Q16 for S = mass * 2**exponent > 0, which is counted into C first. */
uint32_t et_null_mass_ratio(et_null_mass *null_mass, uint64_t mass, int32_t exponent);

#endif
