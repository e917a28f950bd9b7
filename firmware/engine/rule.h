/* The update rule that the build has: what it keeps and its constants.  docs/numerics.md
 * section 5. */
#ifndef ET_RULE_H
#define ET_RULE_H

#include "learner.h"

/* Of a layer, where a rule keeps none. */
typedef struct et_no_words et_no_words;

/* 1 - step / total_steps in Q16; 1 throughout where total_steps is 0. */
uint32_t et_anneal_q16(const et_learner *learner);

#ifdef ET_RULE_ADAPTIVE
#include "adaptive.h"
typedef et_adaptive_layer et_rule_layer;
typedef et_adaptive et_rule_constants;
#elif defined(ET_RULE_MULTINOMIAL)
#include "multinomial.h"
typedef et_multinomial_layer et_rule_layer;
typedef et_multinomial et_rule_constants;
#elif defined(ET_RULE_MULTINOMIAL_GLOBAL)
#include "multinomial_global.h"
typedef et_multinomial_global_layer et_rule_layer;
typedef et_multinomial_global et_rule_constants;
#elif defined(ET_RULE_SGD_STOCHASTIC) || defined(ET_RULE_SGD_NEAREST)
#include "sgd.h"
typedef et_no_words et_rule_layer;
typedef et_sgd et_rule_constants;
#elif defined(ET_RULE_NITI)
#include "niti.h"
typedef et_no_words et_rule_layer;
typedef et_niti et_rule_constants;
#else
#include "fixed_rate.h"
typedef et_null_mass et_rule_layer;
typedef et_fixed_rate et_rule_constants;
#endif

/* What a draw's probabilities go with, of a gradient's magnitude and of none; and whether a weight
 * that was drawn moves: a multinomial as published adds to every magnitude. */
#ifdef ET_RULE_ADDS
#define et_rule_begin(layer, exponent)                                                            \
    ((layer)->words->added = et_multinomial_added((layer)->rule->null_mass, exponent))
#define et_rule_mass(layer, magnitude) ((uint64_t)(magnitude) + (layer)->words->added)
#define et_rule_added(layer, count) ((uint64_t)(layer)->words->added * (count))
#define et_rule_moves(gradient) ((gradient) != 0)
#else
#define et_rule_begin(layer, exponent) ((void)0)
#define et_rule_mass(layer, magnitude) (magnitude)
#define et_rule_added(layer, count) 0u
#define et_rule_moves(gradient) 1
#endif
#define et_rule_nothing(layer) et_rule_added(layer, (layer)->rows *((layer)->row_size + 1))

/* A magnitude, shifted and squared, where the rule asks for the sum of these over a layer, which is
 * below 2^63. */
#ifdef ET_RULE_SQUARES
#define et_rule_square_shift(rule) ((rule)->square_shift)
static inline uint64_t et_rule_square(uint32_t magnitude, uint32_t shift)
{
    return (uint64_t)(magnitude >> shift) * (magnitude >> shift);
}
#else
#define et_rule_square_shift(rule) ((void)(rule), 0u)
#define et_rule_square(magnitude, shift) ((void)(magnitude), (void)(shift), 0u)
#endif

#endif
