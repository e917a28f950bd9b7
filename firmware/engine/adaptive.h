/* Trials that set themselves: by what a step is measured to change, and by the error.
 * docs/numerics.md section 5. */
#ifndef ET_ADAPTIVE_H
#define ET_ADAPTIVE_H

#include "echo.h"
#include "learner.h"
#include "null_mass.h"
#include "scaled.h"

#define ET_RULE_SQUARES /* it asks for the sum of squares */
#define ET_RULE_CENTRED /* and weights move about the mean of their layer's input */

/* Means of the shortfall, Q24: of the last samples, since the start, and the most that the latter
 * has been in this run.  age: steps since much was new, Q16.  gain: trials of this step over a
 * layer's share. */
typedef struct {
    uint32_t samples, shortfall, samples_since, shortfall_since, most_since, age;
    et_echo echo;
    et_scaled gain;
} et_adaptive_network;

/* decrease: the mean of what a trial lowers the loss by; output: the sum of the last sample's
 * outputs, without their sign. */
typedef struct {
    et_null_mass null_mass;
    et_scaled decrease;
    uint32_t output;
} et_adaptive_layer;

/* share: the number of weights; unit: of the gradient, over that of the shortfall;
 * most_moved: steps that the layer's output may move, over its multiplier; of_output: the same of
 * one step of the sum of outputs, of which `outputs` are summed, 0 where their size does not count;
 * square_shift: of magnitudes before they are squared; errors: elements of the output;
 * most_trials_q16: of a step; inputs: elements of the input, 0 where it has no centre. */
typedef struct {
    et_scaled share, unit, most_moved, of_output;
    uint32_t errors, most_trials_q16, inputs;
    int16_t input_zero_point;
    uint8_t outputs, square_shift;
} et_adaptive;

/* The sum of |y - zero_point| over every step-th of count outputs, from the first on. */
uint32_t et_output_size(const int8_t *y, uint32_t count, uint32_t step, int32_t zero_point);

/* The sum of |x + 128 - from| over count values that begin at a multiple of 4 bytes; each byte of
 * from is 0, or each is 128. */
uint32_t et_sum_distances(const int8_t *x, uint32_t count, uint32_t from);

/* Before the updates of a sample; learner: that of the state block, where the network's words
 * follow it; outputs: of each layer what et_output_size gave.  settles: whether the shortfall says
 * on any task how much is left to learn, 2 where it is of two classes. */
void et_adaptive_observe(const et_adaptive *rules, et_adaptive_layer *layers, uint32_t count,
                         const uint32_t *outputs, et_learner *learner, uint32_t rate_q8,
                         uint32_t settles, uint32_t shortfall);

#endif
