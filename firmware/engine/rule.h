/* The update rule that the build has: what it keeps and its constants.  docs/numerics.md
 * section 5. */
#ifndef ET_RULE_H
#define ET_RULE_H

#include "learner.h"

/* 1 - step / total_steps in Q16; 1 throughout where total_steps is 0. */
uint32_t et_anneal_q16(const et_learner *learner);

#ifdef ET_RULE_ADAPTIVE
#include "adaptive.h"
typedef et_adaptive_layer et_rule_layer;
typedef et_adaptive et_rule_constants;
#define et_rule_square et_adaptive_square
#else
#include "fixed_rate.h"
typedef et_null_mass et_rule_layer;
typedef et_fixed_rate et_rule_constants;
#define et_rule_square et_fixed_rate_square
#endif

#endif
