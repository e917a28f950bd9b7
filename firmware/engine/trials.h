/* How many steps an update takes.  docs/numerics.md section 5. */
#ifndef ET_TRIALS_H
#define ET_TRIALS_H

#include "update.h"

/* Number of trials of a layer whose gradient has the mass S = mass * 2**exponent > 0, which
 * also counts into its null mass; consumes one random word. */
uint32_t et_trials(const et_trained *layer, uint64_t mass, int32_t exponent, et_learner *learner);

#endif
