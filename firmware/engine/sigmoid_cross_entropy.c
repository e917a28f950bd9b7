/* Sigmoid binary cross-entropy of one output or of several labels at once; the measure is the
 * mean of p(target) in Q15. */
#include "error_block.h"
#include "losses.h"

int32_t et_sigmoid_cross_entropy_error(const et_sigmoid_cross_entropy *p, uint32_t size,
                                       const int8_t *logits, const void *target,
                                       const int8_t *input, et_clip clip, int8_t *e,
                                       uint32_t *measure)
{
    const uint8_t *labels = target;
    et_error_block block = et_error_open(e, logits, clip);
    uint32_t right = 0;
    (void)input;
    for (uint32_t i = 0; i < size; i++) {
        int32_t probability = p->probabilities[logits[i] + 128];
        int32_t error = probability - (labels[i] ? p->target.one : p->target.zero);
        int32_t weight = !p->weights ? 1 : labels[i] ? p->weights[i] : 1 << 8;
        right += (uint32_t)(labels[i] ? probability : (1 << 15) - probability);
        et_error_put(&block, et_held(logits[i], error) * weight);
    }
    *measure = (right + size / 2) / size;
    return (int32_t)block.shift;
}

int et_sigmoid_cross_entropy_accepts(uint32_t size, const void *target)
{
    const uint8_t *labels = target;
    for (uint32_t i = 0; i < size; i++) {
        if (labels[i] > 1) {
            return 0;
        }
    }
    return 1;
}
