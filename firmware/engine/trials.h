/* How many steps an update takes.  docs/numerics.md section 5. */
#ifndef ET_TRIALS_H
#define ET_TRIALS_H

#include "update.h"

/* A layer's gradient: S = sum |g| > 0; the sum of squares, each g shifted right beforehand, where
 * the rule asks for it; and the errors that it comes from; all times 2**exponent. */
typedef struct {
    uint64_t mass, squares;
    int32_t exponent;
    const int8_t *e;
} et_gradient;

/* The trials that the rule gives the layer, Q16, up to 65535; its words are brought up to date. */
uint32_t et_rule_trials_q16(const et_trained *layer, const et_gradient *g,
                            const et_learner *learner);

/* The number of trials; consumes one random word. */
uint32_t et_trials(const et_trained *layer, const et_gradient *g, et_learner *learner);

#endif
