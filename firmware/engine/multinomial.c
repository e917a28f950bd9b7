#include "trials.h"

uint32_t et_rule_trials_q16(const et_trained *layer, const et_gradient *g,
                            const et_learner *learner)
{
    (void)g;
    (void)learner;
    return layer->rule->trials << 16;
}
