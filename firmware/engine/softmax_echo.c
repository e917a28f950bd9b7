#include "echo.h"

#define MOST ((int32_t)ET_ECHO_MOST)
#define MEMORY 64u /* samples of the mean */
#define FLOOR 1678 /* 1e-4 in Q24 */
#define FIRST 64u  /* steps, eight for each sample that a change is spread over */
#define LAST 512u
#define MEAN_BITS ((1u << 26) - 1) /* a state from anywhere may hold any number */
#define SHORTFALL_BITS ((1u << 25) - 1)

static int32_t within(int64_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : (int32_t)value;
}

/* heard: p of the class before.  others: its even share of what is missing.  wanted: what it may
 * be louder.  All Q24. */
static void hear(et_echo *echo, int32_t heard, int32_t others, int32_t wanted, uint32_t step)
{
    int32_t mean = (int32_t)(echo->mean & MEAN_BITS);
    echo->count = echo->count < MEMORY ? echo->count + 1 : MEMORY;
    mean += (heard + wanted - mean) / (int32_t)echo->count;
    echo->mean = (uint32_t)mean;
    int64_t excess = (int64_t)(wanted - heard + others) * (1 << 16);
    int32_t change = within(excess / (mean + FLOOR), -MOST, MOST);
    uint32_t spread = step < LAST - FIRST ? step + FIRST : LAST;
    echo->log2 = within((int64_t)echo->log2 + 8 * change / (int32_t)spread, -MOST, 0);
}

void et_softmax_echo(const et_softmax_cross_entropy *loss, uint32_t size, const int8_t *logits,
                     const void *target, uint32_t measure, uint32_t shortfall,
                     const et_learner *learner, et_echo *echo)
{
    uint32_t label = *(const uint16_t *)target, previous = echo->previous;
    echo->previous = label + 1;
    if (previous == 0 || previous == label + 1 || previous > size) {
        return;
    }
    uint32_t heard = et_softmax_cross_entropy_probability(loss, size, logits, previous - 1) << 9;
    uint32_t others = et_softmax_cross_entropy_shortfall(measure) / (size - 1);
    uint32_t wanted = (uint32_t)(((uint64_t)(shortfall & SHORTFALL_BITS) * others * 5) >> 25);
    hear(echo, (int32_t)heard, (int32_t)others, (int32_t)wanted, learner->step);
}
