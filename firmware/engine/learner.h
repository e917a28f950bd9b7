/* What a learning run carries beside weights and rule. */
#ifndef ET_LEARNER_H
#define ET_LEARNER_H

#include <stdint.h>

/* First in the model's state block. */
typedef struct {
    uint32_t generator[2];
    uint32_t step, total_steps;
} et_learner;

#endif
