#include "kept.h"

#include <string.h>

#include "digest.h"

uint32_t et_kept_check(const uint8_t *state, uint32_t bytes)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < bytes / 4; i++) {
        uint32_t word;
        memcpy(&word, state + 4 * i, 4);
        sum += et_digest_term(i, (int32_t)word);
    }
    return sum;
}

void et_learner_go_on(et_learner *learner, uint32_t total_steps)
{
    if (total_steps) {
        learner->step = 0;
    }
    learner->total_steps = total_steps;
}
