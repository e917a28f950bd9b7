#include "generator.h"
#include "update.h"

void et_learner_start(et_learner *learner, uint32_t seed, uint32_t total_steps)
{
    et_generator_start(learner->generator, seed);
    learner->step = 0;
    learner->total_steps = total_steps;
}
