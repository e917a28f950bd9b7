/* How loud the class of one sample is in the prediction of the next.  docs/numerics.md
 * section 5. */
#ifndef ET_ECHO_H
#define ET_ECHO_H

#include "learner.h"
#include "losses.h"

/* log2: what it takes off the gain, Q16, from -4 to 0.  mean: of what is heard, Q24, and the
 * number that count; of two classes what is missing of each, Q15, its bit 14 turned.  previous: the
 * class before, plus 1. */
typedef struct {
    int32_t log2;
    uint32_t mean, count, previous;
} et_echo;

/* Listen to a sample of this measure, whose logits were made of the weights that the sample
 * before has left.  shortfall: the mean of the samples before it. */
void et_softmax_echo(const et_softmax_cross_entropy *loss, uint32_t size, const int8_t *logits,
                     const void *target, uint32_t measure, uint32_t shortfall,
                     const et_learner *learner, et_echo *echo);

#define ET_ECHO_MOST (4u << 16) /* that it takes off */

/* Between whole powers of two along the chord. A state from anywhere may hold any number. */
static inline uint32_t et_echo_times(const et_echo *echo, uint32_t goal)
{
    uint32_t down = 0u - (uint32_t)echo->log2;
    down = down < ET_ECHO_MOST ? down : ET_ECHO_MOST;
    uint32_t factor = ((2u << 16) - (down & 0xFFFF)) >> (1 + (down >> 16));
    return (uint32_t)(((uint64_t)goal * factor) >> 16);
}

#endif
