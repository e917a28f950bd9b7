/* The losses: from the logits and a target to the logits' error.  docs/numerics.md section 3.
 *
 * Each returns the exponent of the error, and in *measure how far off the sample was. */
#ifndef ET_LOSSES_H
#define ET_LOSSES_H

#include "operators.h"

/* What a target of one and of zero stands for, Q15: label smoothing brings them closer. */
typedef struct {
    uint16_t one, zero;
} et_binary;

/* Target: uint16_t class.  weights: of the classes' samples, Q8; none where 0. */
typedef struct {
    const et_exponential *exponential;
    et_binary target;
    const uint16_t *weights;
} et_softmax_cross_entropy;

/* Target: uint8_t [size], each 0 or 1.  probabilities: of the 256 logits, Q15.  weights: of
 * the positive targets, Q8; none where 0. */
typedef struct {
    const uint16_t *probabilities;
    et_binary target;
    const uint16_t *weights;
} et_sigmoid_cross_entropy;

/* Target: int16_t [size] on the output's grid, Q8.  limit: of an error (Huber), Q8.
 * input: the target of each of the 256 input values, for a model that is to give its input;
 * then there is no other target. */
typedef struct {
    int32_t limit;
    const int16_t *input;
} et_squared_error;

int32_t et_softmax_cross_entropy_error(const et_softmax_cross_entropy *p, uint32_t size,
                                       const int8_t *logits, const void *target,
                                       const int8_t *input, et_clip clip, int8_t *e,
                                       uint32_t *measure);
int32_t et_sigmoid_cross_entropy_error(const et_sigmoid_cross_entropy *p, uint32_t size,
                                       const int8_t *logits, const void *target,
                                       const int8_t *input, et_clip clip, int8_t *e,
                                       uint32_t *measure);
int32_t et_squared_error_error(const et_squared_error *p, uint32_t size, const int8_t *logits,
                               const void *target, const int8_t *input, et_clip clip, int8_t *e,
                               uint32_t *measure);

/* Of a class, Q15: its error less the target. */
uint32_t et_softmax_cross_entropy_probability(const et_softmax_cross_entropy *p, uint32_t size,
                                              const int8_t *logits, uint32_t class);

/* How far a sample of that measure is from right, 0 to 2^24. */
static inline uint32_t et_softmax_cross_entropy_shortfall(uint32_t measure)
{
    return (32768 - measure) << 9;
}

static inline uint32_t et_sigmoid_cross_entropy_shortfall(uint32_t measure)
{
    return (32768 - measure) << 9;
}

static inline uint32_t et_squared_error_shortfall(uint32_t measure)
{
    measure = measure < 65535 ? measure : 65535;
    return measure * measure >> 8;
}

/* Whether a target of the loss can be one. */
int et_softmax_cross_entropy_accepts(uint32_t size, const void *target);
int et_sigmoid_cross_entropy_accepts(uint32_t size, const void *target);
int et_squared_error_accepts(uint32_t size, const void *target);

/* A saturated logit is not pushed further out: it could not follow, while the layers below
 * would go on moving. */
static inline int32_t et_held(int32_t logit, int32_t error)
{
    return (logit == 127 && error < 0) || (logit == -128 && error > 0) ? 0 : error;
}

#endif
