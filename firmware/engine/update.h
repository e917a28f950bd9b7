/* The discrete multinomial update: trials, draw, step.  docs/numerics.md sections 5 to 7. */
#ifndef ET_UPDATE_H
#define ET_UPDATE_H

#include <stdint.h>

#include "rule.h"

/* A trained layer: rows output channels of row_size weights, none where they do not learn, then
 * one bias each. */
typedef struct {
    uint32_t rows, row_size;
    uint32_t row_stride, column_stride; /* of the weights */
    uint32_t first_index;               /* of its first weight in the digest */
    int8_t *weights;
    int32_t *bias;
    const et_rule_constants *rule;
    et_rule_layer *words; /* what the rule keeps of the layer */
} et_trained;

/* The caller's memory for one update: gradient [row_size + 1], row_mass [rows], and for
 * independent draws row_hits [rows]. */
typedef struct {
    int32_t *gradient;
    uint64_t *row_mass;
    uint16_t *row_hits;
} et_update_scratch;

/* Writes the gradient of one row, whose weights' inputs count from the centre over the zero point;
 * layer is the operator's parameters. */
typedef void (*et_row_gradient)(const void *layer, uint32_t row, const int8_t *e, const int8_t *x,
                                int32_t centre, int32_t *gradient);

void et_learner_start(et_learner *learner, uint32_t seed, uint32_t total_steps);

/* One update of a layer from its gradient, formed row by row; returns the trials drawn.
 * Adds what the digest of the parameters changed by to *digest. */
uint32_t et_update(const et_trained *layer, et_row_gradient row_gradient, const void *operator_,
                   const int8_t *e, int32_t exponent, const int8_t *x, et_learner *learner,
                   const et_update_scratch *scratch, uint32_t *digest);

/* The same draw for a dense layer, bit for bit, without forming the gradient: it is the outer
 * product of e and the inputs.  scratch->gradient holds the inputs' cumulative magnitudes. */
uint32_t et_update_factored(const et_trained *layer, const int8_t *e, int32_t exponent,
                            const int8_t *x, int32_t input_zero_point, et_learner *learner,
                            const et_update_scratch *scratch, uint32_t *digest);

/* The update of biases alone: layer->row_size is 0, and scratch->gradient holds [rows] values.
 * positions: errors that each channel has. */
uint32_t et_update_biases(const et_trained *layer, const int8_t *e, int32_t exponent,
                          uint32_t positions, et_learner *learner,
                          const et_update_scratch *scratch, uint32_t *digest);

/* Of rules that give every weight a step of its own; both return the steps taken, in LSB, and leave
 * all but scratch->gradient alone. */
uint32_t et_update_steps(const et_trained *layer, et_row_gradient row_gradient,
                         const void *operator_, const int8_t *e, int32_t exponent, const int8_t *x,
                         et_learner *learner, const et_update_scratch *scratch, uint32_t *digest);
uint32_t et_update_steps_biases(const et_trained *layer, const int8_t *e, int32_t exponent,
                                uint32_t positions, et_learner *learner,
                                const et_update_scratch *scratch, uint32_t *digest);

/* Of a draw over all layers, before any layer's update: notes the layer's gradient. */
void et_measure(const et_trained *layer, et_row_gradient row_gradient, const void *operator_,
                const int8_t *e, int32_t exponent, const int8_t *x,
                const et_update_scratch *scratch);
void et_measure_biases(const et_trained *layer, const int8_t *e, int32_t exponent,
                       uint32_t positions, const et_update_scratch *scratch);

/* Digest of one layer's parameters, from the memory itself. */
uint32_t et_parameter_digest(const et_trained *layer);

/* Digest over everything that learning changes; rule_words: of the network and all layers. */
uint32_t et_digest(uint32_t parameters, const et_learner *learner, const uint32_t *rule_words,
                   uint32_t count);

#endif
