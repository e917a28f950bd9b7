#include "echo.h"

#define MOST ((int32_t)ET_ECHO_MOST)
#define MEMORY 64u /* samples of the mean */
#define FLOOR 1678 /* 1e-4 in Q24 */
#define FIRST 64u  /* steps, eight for each sample that a change is spread over */
#define LAST 512u
#define MEAN_BITS ((1u << 26) - 1) /* a state from anywhere may hold any number */
#define SHORTFALL_BITS ((1u << 25) - 1)
#define HALVES 0x40004000u /* two means, Q15, of which 0 stands for a half */
#define CLASS_MEMORY 16    /* samples of each */

static int32_t within(int64_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : (int32_t)value;
}

/* wanting: by how much the class before is quieter than it may be; usual: what it is measured by.
 * Both Q24. */
static void turn(et_echo *echo, int32_t wanting, int32_t usual, uint32_t step)
{
    int32_t change = within((int64_t)wanting * (1 << 16) / (usual + FLOOR), -MOST, MOST);
    uint32_t spread = step < LAST - FIRST ? step + FIRST : LAST;
    echo->log2 = within((int64_t)echo->log2 + 8 * change / (int32_t)spread, -MOST, 0);
}

/* heard: p of the class before.  others: its even share of what is missing.  wanted: what it may
 * be louder.  All Q24. */
static void hear(et_echo *echo, int32_t heard, int32_t others, int32_t wanted, uint32_t step)
{
    int32_t mean = (int32_t)(echo->mean & MEAN_BITS);
    echo->count = echo->count < MEMORY ? echo->count + 1 : MEMORY;
    mean += (heard + wanted - mean) / (int32_t)echo->count;
    echo->mean = (uint32_t)mean;
    turn(echo, wanted - heard + others, mean, step);
}

/* Of two classes the other one has all that is missing, and the echo is how much more that is where
 * the class has changed than it is of that class as a rule. */
static void hear_other(et_echo *echo, uint32_t label, int changed, uint32_t missing,
                       uint32_t shortfall, uint32_t step)
{
    uint32_t shift = 16 * label, means = echo->mean ^ HALVES, mean = (means >> shift) & 0xFFFF;
    if (changed) {
        uint32_t usual = mean << 9;
        uint32_t wanted = (uint32_t)(((uint64_t)shortfall * usual * 5) >> 27);
        turn(echo, (int32_t)(wanted + usual - missing), (int32_t)(usual + wanted), step);
    }
    mean += (uint32_t)(((int32_t)(missing >> 9) - (int32_t)mean) / CLASS_MEMORY);
    echo->mean = ((means & ~(0xFFFFu << shift)) | (mean << shift)) ^ HALVES;
}

void et_softmax_echo(const et_softmax_cross_entropy *loss, uint32_t size, const int8_t *logits,
                     const void *target, uint32_t measure, uint32_t shortfall,
                     const et_learner *learner, et_echo *echo)
{
    uint32_t label = *(const uint16_t *)target, previous = echo->previous;
    echo->previous = label + 1;
    shortfall &= SHORTFALL_BITS;
    if (size == 2) {
        hear_other(echo, label, previous == 2 - label, et_softmax_cross_entropy_shortfall(measure),
                   shortfall, learner->step);
        return;
    }
    if (previous == 0 || previous == label + 1 || previous > size) {
        return;
    }
    uint32_t heard = et_softmax_cross_entropy_probability(loss, size, logits, previous - 1) << 9;
    uint32_t others = et_softmax_cross_entropy_shortfall(measure) / (size - 1);
    uint32_t wanted = (uint32_t)(((uint64_t)shortfall * others * 5) >> 25);
    hear(echo, (int32_t)heard, (int32_t)others, (int32_t)wanted, learner->step);
}
