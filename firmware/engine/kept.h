/* States that are kept, and the step counter of a run that goes on from one. */
#ifndef ET_KEPT_H
#define ET_KEPT_H

#include "learner.h"

/* Over a state of so many bytes, a multiple of 4, at any alignment. */
uint32_t et_kept_check(const uint8_t *state, uint32_t bytes);

/* What so many words of a state, the first of them its word `first`, add to that. */
uint32_t et_kept_sum(uint32_t first, const uint8_t *words, uint32_t count);

/* Without an end (0) the counter goes on; a run with an end counts and anneals its own steps. */
void et_learner_go_on(et_learner *learner, uint32_t total_steps);

#endif
