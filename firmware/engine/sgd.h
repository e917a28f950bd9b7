/* int8 SGD: a real step on the grid of a layer's weights, rounded.  docs/numerics.md section 5. */
#ifndef ET_SGD_H
#define ET_SGD_H

#include "learner.h"
#include "scaled.h"

#define ET_RULE_LOOKS 0
#define ET_SGD_MOST_Q16 (255u << 16) /* of one value in one step */

/* factors: LSB over a gradient with exponent 0, of row r the one at r * factor_step; bias: that of
 * a bias over its row's. */
typedef struct {
    const et_scaled *factors;
    uint32_t factor_step;
    et_scaled bias;
} et_sgd;

/* Steps in Q16 are magnitude * mantissa >> shift; all but 0 are the most where it is negative. */
typedef struct {
    uint32_t mantissa;
    int32_t shift;
} et_sgd_scale;

static inline uint32_t et_sgd_q16(et_sgd_scale scale, uint32_t magnitude)
{
    uint64_t product = (uint64_t)magnitude * scale.mantissa;
    if (scale.shift < 0) {
        return product ? ET_SGD_MOST_Q16 : 0;
    }
    product >>= scale.shift;
    return product < ET_SGD_MOST_Q16 ? (uint32_t)product : ET_SGD_MOST_Q16;
}

/* Puts steps in place of gradients; returns their sum.  The rounding: a file of its own for each.
 * */
uint32_t et_sgd_round(int32_t *gradient, uint32_t count, et_sgd_scale scale,
                      uint32_t generator[2]);

#endif
