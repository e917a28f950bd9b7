/* Softmax cross-entropy; the measure is p(label) in Q15. */
#include "error_block.h"
#include "losses.h"
#include "softmax.h"

/* Q16, so that a quotient in Q15 needs no more than 32 bits. */
static uint32_t term_of(const et_exponential *p, int32_t below)
{
    return (et_exponential_of(p, below) + (1u << 13)) >> 14;
}

static uint32_t total_of(const et_exponential *p, uint32_t size, const int8_t *logits,
                         int32_t most)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < size; i++) {
        total += term_of(p, most - logits[i]);
    }
    return total;
}

/* Q15, rounded half up. */
static uint32_t share_of(uint32_t term, uint32_t total)
{
    return ((term << 15) + total / 2) / total;
}

int32_t et_softmax_cross_entropy_error(const et_softmax_cross_entropy *p, uint32_t size,
                                       const int8_t *logits, const void *target,
                                       const int8_t *input, et_clip clip, int8_t *e,
                                       uint32_t *measure)
{
    et_error_block block = et_error_open(e, logits, clip);
    uint32_t label = *(const uint16_t *)target;
    int32_t most = et_largest(logits, size), weight = p->weights ? p->weights[label] : 1;
    uint32_t total = total_of(p->exponential, size, logits, most);
    (void)input;
    for (uint32_t i = 0; i < size; i++) {
        uint32_t probability = share_of(term_of(p->exponential, most - logits[i]), total);
        if (i == label) {
            *measure = probability;
        }
        int32_t error = (int32_t)probability - (i == label ? p->target.one : p->target.zero);
        et_error_put(&block, et_held(logits[i], error) * weight);
    }
    return (int32_t)block.shift;
}

uint32_t et_softmax_cross_entropy_probability(const et_softmax_cross_entropy *p, uint32_t size,
                                              const int8_t *logits, uint32_t class)
{
    int32_t most = et_largest(logits, size);
    return share_of(term_of(p->exponential, most - logits[class]),
                    total_of(p->exponential, size, logits, most));
}

int et_softmax_cross_entropy_accepts(uint32_t size, const void *target)
{
    return *(const uint16_t *)target < size;
}
