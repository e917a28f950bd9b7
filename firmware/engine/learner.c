#include "generator.h"
#include "update.h"

void et_learner_start(et_learner *learner, uint32_t seed, uint32_t total_steps)
{
    et_generator_start(learner->generator, seed);
    learner->step = 0;
    learner->total_steps = total_steps;
}

uint32_t et_anneal_q16(const et_learner *learner)
{
    uint32_t step = learner->step, total = learner->total_steps;
    if (total == 0) {
        return 1u << 16;
    }
    return step < total ? (uint32_t)(((uint64_t)(total - step) << 16) / total) : 0;
}
