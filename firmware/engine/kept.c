#include "kept.h"

#include <string.h>

#include "digest.h"
#include "generator.h"

uint32_t et_kept_sum(uint32_t first, const uint8_t *words, uint32_t count)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t word;
        memcpy(&word, words + 4 * i, 4);
        sum += et_mix32((first + i) * ET_DIGEST_STRIDE + word);
    }
    return sum;
}

uint32_t et_kept_check(const uint8_t *state, uint32_t bytes)
{
    return et_kept_sum(0, state, bytes / 4);
}

void et_learner_go_on(et_learner *learner, uint32_t total_steps)
{
    if (total_steps) {
        learner->step = 0;
    }
    learner->total_steps = total_steps;
}
