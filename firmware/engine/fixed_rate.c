#include "trials.h"

uint32_t et_rule_trials_q16(const et_trained *layer, const et_gradient *g,
                            const et_learner *learner)
{
    uint64_t ratio = et_null_mass_ratio(layer->words, g->mass, g->exponent);
    uint64_t n_q16 = (((layer->rule->limit_q8 * ratio) >> 8) * et_anneal_q16(learner)) >> 16;
    return (uint32_t)n_q16;
}
