#include "dsp.h"
#include "error_block.h"
#include "trials.h"

#define SETTLED 16u /* right samples that count before the first */
#define REMEMBERED 1024u
#define PATIENCE 700u        /* steps until a half is left of a goal without an end */
#define OLDEST (2240u << 16) /* Q16: 1/106 is left */

/* What the state block begins with. */
typedef struct {
    et_learner learner;
    et_adaptive_network network;
} state_block;

/* A state from anywhere may hold any number: counts and differences stay defined. */
static uint32_t counted(uint32_t count, uint32_t most)
{
    return count < most ? count + 1 : most;
}

static void count_into(uint32_t *mean, uint32_t value, uint32_t count)
{
    *mean += (uint32_t)((int32_t)(value - *mean) / (int32_t)count);
}

static uint32_t times_q16(uint32_t value, uint32_t factor)
{
    return (uint32_t)(((uint64_t)value * factor) >> 16);
}

/* One step older, and younger by what the error is worse than it has been on the whole. */
static uint32_t aged(const et_adaptive_network *network)
{
    uint32_t usual = network->shortfall_since ? network->shortfall_since : 1;
    uint32_t above = usual + (usual >> 2), age = network->age;
    if (network->shortfall > above) {
        uint32_t worse = network->shortfall - above;
        worse = worse < usual ? worse : usual;
        age -= (uint32_t)(((uint64_t)age * worse / usual) >> 6);
    }
    return age < OLDEST - (1u << 16) ? age + (1u << 16) : OLDEST;
}

/* 1 / (1 + (age / PATIENCE)^4); of OLDEST the last product has 31 bits. */
static uint32_t patience_q16(uint32_t age)
{
    uint32_t share_q12 = (age >> 4) / PATIENCE, square_q12 = (share_q12 * share_q12) >> 12;
    return (1u << 31) / ((1u << 15) + ((square_q12 * square_q12) >> 9));
}

static uint32_t doubt_q16(uint32_t shortfall, uint32_t settles)
{
    uint32_t doubt = shortfall >> 7;
    doubt += settles == 2 ? doubt >> 1 : 0;
    return settles && doubt < (1u << 16) ? doubt : 1u << 16;
}

/* Of the goal, by what there was to learn, and by the time that is left or has gone.  Without an
 * end what is new has to be noticed, so that less doubt takes off less. */
static uint32_t left_q16(const et_adaptive_network *network, const et_learner *learner,
                         uint32_t settles)
{
    uint32_t doubt = doubt_q16(network->most_since, settles);
    uint32_t square = times_q16(doubt, doubt), cube = times_q16(square, doubt);
    if (learner->total_steps) {
        int less = settles != 2 && 2 * square < 1u << 16;
        return times_q16(et_anneal_q16(learner), less ? times_q16(cube, 2 * square) : cube);
    }
    uint32_t patience = patience_q16(network->age);
    return patience < cube ? patience : cube;
}

/* What this step is to win, Q24. */
static uint32_t goal(const et_adaptive_network *network, const et_learner *learner,
                     uint32_t rate_q8, uint32_t settles)
{
    uint64_t all = ((uint64_t)rate_q8 * network->shortfall) >> 8;
    all = (all * (learner->step < 8 ? learner->step + 8 : 16)) >> 4;
    all = (all * left_q16(network, learner, settles)) >> 16;
    return et_echo_times(&network->echo, all < UINT32_MAX ? (uint32_t)all : UINT32_MAX);
}

uint32_t et_output_size(const int8_t *y, uint32_t count, uint32_t step, int32_t zero_point)
{
    uint32_t sum = 0;
    const int8_t *end = y + count;
    int32_t at = -(int32_t)count;
    do {
        sum = et_add_distance(end[at], (int8_t)zero_point, sum);
        at += (int32_t)step;
    } while (at < 0);
    return sum;
}

void et_adaptive_observe(const et_adaptive *rules, et_adaptive_layer *layers, uint32_t count,
                         const uint32_t *outputs, et_learner *learner, uint32_t rate_q8,
                         uint32_t settles, uint32_t shortfall)
{
    et_adaptive_network *network = &((state_block *)learner)->network;
    et_scaled total = {0, 0};
    network->samples = counted(network->samples, ET_MEAN_COUNT);
    count_into(&network->shortfall, shortfall, network->samples);
    network->samples_since = counted(network->samples_since, REMEMBERED - SETTLED);
    count_into(&network->shortfall_since, shortfall, SETTLED + network->samples_since);
    uint32_t most = learner->step ? network->most_since : 0;
    network->most_since = most > network->shortfall_since ? most : network->shortfall_since;
    network->age = aged(network);
    for (uint32_t i = 0; i < count; i++) {
        layers[i].output = outputs[i];
        total = et_scaled_sum(total, et_scaled_product(layers[i].decrease, rules[i].share));
    }
    et_scaled won = et_scaled_of(goal(network, learner, rate_q8, settles), -24);
    network->gain = total.mantissa ? et_scaled_quotient(won, total) : total;
}

#if defined(ET_DSP_LOOPS)

#define FOUR_WORDS                                                                                \
    "ldmia %[at]!, {r8, r9, r10, r11}\n\t"                                                        \
    "eor r8, r8, %[sign]\n\teor r9, r9, %[sign]\n\t"                                              \
    "eor r10, r10, %[sign]\n\teor r11, r11, %[sign]\n\t"                                          \
    "usada8 %[sum], r8, %[from], %[sum]\n\t"                                                      \
    "usada8 %[sum], r9, %[from], %[sum]\n\t"                                                      \
    "usada8 %[sum], r10, %[from], %[sum]\n\t"                                                     \
    "usada8 %[sum], r11, %[from], %[sum]\n\t"

#define TURN 16u

static inline uint32_t sum_turns(const int8_t *at, const int8_t *end, uint32_t from)
{
    uint32_t sum = 0;
    __asm__ volatile("1:\n\t" FOUR_WORDS "cmp %[at], %[end]\n\t"
                     "bne 1b"
                     : [at] "+&r"(at), [sum] "+&r"(sum)
                     : [end] "r"(end), [from] "r"(from), [sign] "r"(0x80808080u)
                     : "r8", "r9", "r10", "r11", "cc", "memory");
    return sum;
}

#else

#define TURN 8u

static inline uint32_t sum_turns(const int8_t *at, const int8_t *end, uint32_t from)
{
    const int8_t *words = __builtin_assume_aligned(at, 4);
    uint32_t sum = 0, first, second;
    do {
        words = et_load_two(words, &first, &second);
        sum = et_add_distances(first, from, sum);
        sum = et_add_distances(second, from, sum);
    } while (words != end);
    return sum;
}

#endif

uint32_t et_sum_distances(const int8_t *x, uint32_t count, uint32_t from)
{
    const int8_t *end = x + count, *turns = x + count / TURN * TURN;
    uint32_t sum = x != turns ? sum_turns(x, turns, from) : 0;
    while (turns != end) {
        sum = et_add_distance(*turns++, (int8_t)(from ^ 0x80), sum);
    }
    return sum;
}

static uint32_t less(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void note_decrease(et_adaptive_layer *layer, et_scaled decrease)
{
    uint32_t k = layer->null_mass.count;
    layer->decrease =
        et_scaled_sum(et_scaled_ratio(layer->decrease, k - 1, k), et_scaled_ratio(decrease, 1, k));
}

uint32_t et_rule_trials_q16(const et_trained *layer, const et_gradient *g,
                            const et_learner *learner)
{
    const et_adaptive *rule = layer->rule;
    const et_adaptive_network *network = &((const state_block *)learner)->network;
    et_scaled ratio =
        et_scaled_of(et_null_mass_ratio(&layer->words->null_mass, g->mass, g->exponent), -16);
    et_scaled mean = et_scaled_quotient(et_scaled_of(g->squares, 2 * (int32_t)rule->square_shift),
                                        et_scaled_of(g->mass, 0));
    if (mean.mantissa == 0) {
        return 0;
    }
    et_scaled decrease = {mean.mantissa, mean.exponent + g->exponent};
    note_decrease(layer->words, et_scaled_product(ratio, et_scaled_product(decrease, rule->unit)));
    et_scaled wanted = et_scaled_product(et_scaled_product(rule->share, ratio), network->gain);
    et_scaled errors = et_scaled_of(et_sum_distances(g->e, rule->errors, 0x80808080u), 0);
    et_scaled room = et_scaled_quotient(errors, mean);
    uint32_t n = less(et_scaled_q16(wanted), rule->most_trials_q16);
    n = less(n, et_scaled_q16(et_scaled_product(rule->most_moved, room)));
    if (rule->of_output.mantissa == 0) {
        return n;
    }
    et_scaled size = et_scaled_of((uint64_t)layer->words->output + rule->outputs, 0);
    et_scaled most = et_scaled_product(rule->of_output, size);
    return less(n, et_scaled_q16(et_scaled_product(most, room)));
}
