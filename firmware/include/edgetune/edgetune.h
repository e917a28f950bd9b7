/* A model that runs and learns inside a product.  docs/your-firmware.md.
 *
 *     #include "digits.h"                  of a library made with --prefix digits
 *     edgetune_start(&digits, seed, 0);
 *     int32_t found = edgetune_predict(&digits, input);
 *     edgetune_learn(&digits, input, &label, 0);
 *
 * Every call names its model.  A model is one instance, with memory of its own: two models share
 * nothing and may run in two contexts, but one model is called from one context at a time, and not
 * from an interrupt that may come amid a call.  No call waits, allocates, or masks interrupts.
 *
 * Input: input_bytes values, 4-byte aligned, as the model's file quantises them.  Target:
 * target_bytes, 4-byte aligned: of classes the label as uint32_t; else docs/losses.md.
 * Errors are negative. */
#ifndef EDGETUNE_H
#define EDGETUNE_H

#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EDGETUNE_INTERFACE 1 /* of this header: rises where a product has to be changed */

enum {
    EDGETUNE_OK = 0,
    EDGETUNE_MORE = 1,         /* a step is under way: continue it */
    EDGETUNE_KEPT = 2,         /* the guard keeps the state that was judged */
    EDGETUNE_BUSY = -1,        /* not amid a step */
    EDGETUNE_NO_STEP = -2,     /* there is none to continue */
    EDGETUNE_TARGET = -3,      /* no target of this loss */
    EDGETUNE_ALIGNMENT = -4,   /* input or target is not 4-byte aligned */
    EDGETUNE_ONLY_RUNS = -5,   /* made with --inference-only */
    EDGETUNE_FOREIGN = -6,     /* a state of another model, or of none */
    EDGETUNE_DAMAGED = -7,     /* a state whose check does not hold */
    EDGETUNE_MEMORY = -8,      /* too little for what it is to hold */
    EDGETUNE_CALLBACK = -9,    /* the product's function failed */
    EDGETUNE_NOT_STARTED = -10 /* nothing began yet */
};

typedef struct {
    uint16_t prediction; /* before the sample was learnt */
    uint16_t draws;      /* steps of weights; saturated to 65535 */
    uint32_t measure;    /* of the loss, before: how far off; Q24 of classes */
} edgetune_result;

/* Since the start, or since a state was loaded. */
typedef struct {
    uint32_t steps;   /* of the state: all that it ever learnt */
    uint32_t learnt;  /* samples */
    uint32_t draws;   /* steps of weights, modulo 2^32 */
    uint32_t measure; /* mean of the last samples, each counts a 16th */
} edgetune_statistics;

/* Both move count bytes at an offset from the state's first byte; 0 where they did. */
typedef int32_t (*edgetune_write)(void *context, uint32_t offset, const void *bytes,
                                  uint32_t count);
typedef int32_t (*edgetune_read)(void *context, uint32_t offset, void *bytes, uint32_t count);

typedef struct {
    const char *name;
    uint32_t model_hash; /* first 4 bytes of the file's SHA-256 */
    uint32_t state_id;   /* of states that this model takes; 0: it only runs */
    uint32_t input_bytes, output_bytes, target_bytes, state_bytes, arena_bytes;
    uint32_t stages;       /* of a step */
    const uint32_t *costs; /* of each stage, instructions, estimated */
    int32_t (*start)(uint32_t seed, uint32_t total_steps);
    int32_t (*predict)(const int8_t *input);
    const int8_t *(*output)(void);
    int32_t (*begin)(const int8_t *input, const void *target);
    int32_t (*go_on)(uint32_t budget, edgetune_result *result);
    uint32_t (*next_cost)(void);
    uint8_t *(*state)(void);
    int32_t (*state_written)(void);
    uint32_t (*digest)(int32_t whole);
    int32_t (*save)(edgetune_write write, void *context);
    int32_t (*load)(edgetune_read read, void *context, uint32_t total_steps);
    int32_t (*statistics)(edgetune_statistics *found);
} edgetune_model;

/* Begin with the weights of the file.  total_steps: of the run, over which the steps anneal; 0:
 * there is no end, as in a product.  The seed decides every draw. */
static inline int32_t edgetune_start(const edgetune_model *model, uint32_t seed,
                                     uint32_t total_steps)
{
    return model->start(seed, total_steps);
}

/* The index of the largest output, or an error.  Between the slices of a step EDGETUNE_BUSY; in
 * libraries made with --predict-between the answer of the weights before that step. */
static inline int32_t edgetune_predict(const edgetune_model *model, const int8_t *input)
{
    return model->predict(input);
}

/* output_bytes values of the last prediction; until the next call. */
static inline const int8_t *edgetune_output(const edgetune_model *model)
{
    return model->output();
}

/* A step in slices: begin, then continue until it returns EDGETUNE_OK.  input and target stay
 * untouched until then.  Each continue runs stages while the estimates of all that it ran and of
 * the next one lie within budget, instructions, but at least one: 0 runs one stage.
 * result: at the end; may be 0. */
static inline int32_t edgetune_begin(const edgetune_model *model, const int8_t *input,
                                     const void *target)
{
    return model->begin(input, target);
}

static inline int32_t edgetune_continue(const edgetune_model *model, uint32_t budget,
                                        edgetune_result *result)
{
    return model->go_on(budget, result);
}

/* Instructions, estimated, of the stage that continue runs first; 0 where no step is under way. */
static inline uint32_t edgetune_next_cost(const edgetune_model *model)
{
    return model->next_cost();
}

/* A whole step. */
static inline int32_t edgetune_learn(const edgetune_model *model, const int8_t *input,
                                     const void *target, edgetune_result *result)
{
    int32_t status = model->begin(input, target);
    return status == EDGETUNE_OK ? model->go_on(0xFFFFFFFFu, result) : status;
}

/* All that learning changes, as one block of state_bytes, 4-byte aligned; not amid a step.  Who
 * writes it calls state_written afterwards. */
static inline uint8_t *edgetune_state(const edgetune_model *model)
{
    return model->state();
}

static inline int32_t edgetune_state_written(const edgetune_model *model)
{
    return model->state_written();
}

/* 32 bits over all that learning changes, equal to the simulation's after the same samples.
 * whole: worked out from the memory itself, not carried along. */
static inline uint32_t edgetune_digest(const edgetune_model *model, int32_t whole)
{
    return model->digest(whole);
}

/* Keep the state through the product's memory: EDGETUNE_HEAD bytes and the state, written in
 * ascending order, the head last.  load reads it twice and changes nothing unless all holds.
 * total_steps: as of start; 0 goes on. */
#define EDGETUNE_HEAD 12u
static inline int32_t edgetune_save(const edgetune_model *model, edgetune_write write,
                                    void *context)
{
    return model->save(write, context);
}

static inline int32_t edgetune_load(const edgetune_model *model, edgetune_read read, void *context,
                                    uint32_t total_steps)
{
    return model->load(read, context, total_steps);
}

static inline int32_t edgetune_statistics_of(const edgetune_model *model,
                                             edgetune_statistics *found)
{
    return model->statistics(found);
}

/* The guard: the best state so far, in state_bytes of the product's RAM, by a score that the
 * product measures on samples it does not learn from.  The more the better. */
typedef struct {
    uint8_t *best;
    int32_t score;
} edgetune_guard;

/* The state as it is becomes the best. */
static inline int32_t edgetune_guard_start(const edgetune_model *model, edgetune_guard *guard,
                                           void *memory, uint32_t bytes, int32_t score)
{
    if (model->state_bytes == 0u) {
        return EDGETUNE_ONLY_RUNS;
    }
    if (model->next_cost() != 0u) {
        return EDGETUNE_BUSY;
    }
    if (bytes < model->state_bytes) {
        return EDGETUNE_MEMORY;
    }
    guard->best = (uint8_t *)memory;
    guard->score = score;
    memcpy(guard->best, model->state(), model->state_bytes);
    return EDGETUNE_KEPT;
}

/* EDGETUNE_KEPT where the state as it is is not worse than the best, which it then is; else
 * EDGETUNE_OK, and the product goes on or back. */
static inline int32_t edgetune_guard_judge(const edgetune_model *model, edgetune_guard *guard,
                                           int32_t score)
{
    if (score < guard->score) {
        return EDGETUNE_OK;
    }
    return edgetune_guard_start(model, guard, guard->best, model->state_bytes, score);
}

/* The best state again, draws and all: what is learnt next is drawn as after it. */
static inline int32_t edgetune_guard_back(const edgetune_model *model, const edgetune_guard *guard)
{
    if (model->next_cost() != 0u) {
        return EDGETUNE_BUSY;
    }
    memcpy(model->state(), guard->best, model->state_bytes);
    return model->state_written();
}

/* For sensors that count, without float.  A sensor's step over the model's scale (or the scale over
 * the unit wanted) is multiplier * 2^-shift: EDGETUNE_FIXED works it out while it compiles. */
#define EDGETUNE_FIXED(real, shift) ((int32_t)((real) * (double)(1u << (shift)) + 0.5))

/* multiplier * value * 2^-shift, to the nearest, halves away from zero; shift from 0 to 30. */
static inline int64_t edgetune_scaled(int32_t value, int32_t multiplier, uint32_t shift)
{
    int64_t product = (int64_t)value * multiplier, half = ((int64_t)1 << shift) / 2;
    return (product < 0 ? product - half : product + half) / ((int64_t)1 << shift);
}

static inline int8_t edgetune_quantize(int32_t count, int32_t multiplier, uint32_t shift,
                                       int32_t zero_point)
{
    int64_t value = edgetune_scaled(count, multiplier, shift) + zero_point;
    return (int8_t)(value < -128 ? -128 : value > 127 ? 127 : value);
}

static inline int32_t edgetune_dequantize(int8_t value, int32_t multiplier, uint32_t shift,
                                          int32_t zero_point)
{
    return (int32_t)edgetune_scaled(value - zero_point, multiplier, shift);
}

#ifdef __cplusplus
}
#endif

#endif
