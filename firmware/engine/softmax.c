/* SOFTMAX over one vector, and softmax cross-entropy on its logits. */
#include "error_block.h"

static int32_t largest(const int8_t *x, uint32_t classes)
{
    int32_t most = -128;
    for (uint32_t i = 0; i < classes; i++) {
        most = x[i] > most ? x[i] : most;
    }
    return most;
}

static uint32_t exponential(const et_exponential *p, int32_t below)
{
    return (uint32_t)below < p->length ? p->table[below] : 0;
}

/* int8 of scale 1/256 and zero point -128, rounded half up. */
void et_softmax_forward(const et_exponential *p, uint32_t classes, const int8_t *x, int8_t *y)
{
    int32_t most = largest(x, classes);
    uint64_t total = 0;
    for (uint32_t i = 0; i < classes; i++) {
        total += exponential(p, most - x[i]);
    }
    for (uint32_t i = 0; i < classes; i++) {
        uint64_t term = exponential(p, most - x[i]);
        int32_t share = (int32_t)((term * 512 + total) / (2 * total)) - 128;
        y[i] = (int8_t)(share > 127 ? 127 : share);
    }
}

/* Q16, so that a quotient in Q15 needs no more than 32 bits. */
static uint32_t term_of(const et_exponential *p, int32_t below)
{
    return (exponential(p, below) + (1u << 13)) >> 14;
}

/* A saturated logit is not pushed further out. */
static int32_t held(int32_t logit, int32_t error)
{
    return (logit == 127 && error < 0) || (logit == -128 && error > 0) ? 0 : error;
}

int32_t et_softmax_cross_entropy(const et_exponential *p, uint32_t classes, const int8_t *logits,
                                 uint32_t label, et_clip clip, int8_t *e,
                                 uint32_t *probability_q15)
{
    et_error_block block = et_error_open(e, logits, clip);
    int32_t most = largest(logits, classes);
    uint32_t total = 0;
    for (uint32_t i = 0; i < classes; i++) {
        total += term_of(p, most - logits[i]);
    }
    for (uint32_t i = 0; i < classes; i++) {
        uint32_t probability = ((term_of(p, most - logits[i]) << 15) + total / 2) / total;
        if (i == label) {
            *probability_q15 = probability;
        }
        int32_t error = (int32_t)probability - (i == label ? 1 << 15 : 0);
        et_error_put(&block, held(logits[i], error));
    }
    return (int32_t)block.shift;
}
