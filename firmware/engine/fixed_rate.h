/* Trials by a rate that is settled beforehand.  docs/numerics.md section 5. */
#ifndef ET_FIXED_RATE_H
#define ET_FIXED_RATE_H

#include "null_mass.h"

typedef struct {
    uint32_t limit_q8; /* most trials of a step */
} et_fixed_rate;

#endif
