/* Rules that give every weight a step of its own, from its gradient.  docs/numerics.md section 5.
 * */
#ifndef ET_STEPS_H
#define ET_STEPS_H

#include "update.h"

/* What a rule knows of a layer.  largest: of its gradient's magnitudes, where the rule looks at all
 * of them beforehand (ET_RULE_LOOKS). */
typedef struct {
    const et_trained *layer;
    et_learner *learner;
    int32_t exponent;
    uint32_t largest;
} et_steps;

/* Puts in place of a row's gradients, the bias' last, the steps against them, each of the sign of
 * its gradient and up to 255; returns their sum. */
uint32_t et_rule_steps(const et_steps *steps, uint32_t row, int32_t *gradient);

#endif
