/* The published rule: a multinomial over a tensor, its null mass and number of trials constants.
 * docs/numerics.md section 5. */
#ifndef ET_MULTINOMIAL_H
#define ET_MULTINOMIAL_H

#include "learner.h"
#include "scaled.h"

#define ET_RULE_ADDS /* to every magnitude */

/* null_mass: c over the unit of a gradient with exponent 0. */
typedef struct {
    et_scaled null_mass;
    uint32_t trials;
} et_multinomial;

/* added: c in the unit of the layer's last gradient. */
typedef struct {
    uint32_t added;
} et_multinomial_layer;

/* null_mass * 2**-exponent, without its fraction, at most 2^32 - 1. */
static inline uint32_t et_multinomial_added(et_scaled null_mass, int32_t exponent)
{
    et_scaled q16 = {null_mass.mantissa, null_mass.exponent - exponent - 16};
    return et_scaled_q16(q16);
}

#endif
