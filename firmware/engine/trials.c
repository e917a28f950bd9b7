#include "trials.h"

#include "generator.h"

uint32_t et_trials(const et_trained *layer, const et_gradient *g, et_learner *learner)
{
    uint32_t n_q16 = et_rule_trials_q16(layer, g, learner);
    uint32_t extra = (et_generator_next(learner->generator) >> 16) < (n_q16 & 0xFFFF);
    return (n_q16 >> 16) + extra;
}
