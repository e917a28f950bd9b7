/* An update of biases alone: a bias' gradient is the sum of its channel's errors, so one pass over
 * these forms all of them, and the layer's input does not matter. */
#include "draw.h"
#include "error_block.h"
#include "sum_errors.h"
#include "trials.h"
#include "update.h"

static void hit(et_rows *rows, uint32_t row, uint64_t point)
{
    (void)point; /* a row is one bias */
    int32_t gradient = rows->scratch->gradient[row];
    if (et_rule_moves(gradient)) {
        et_step(rows->layer, row, 0, gradient < 0 ? -1 : 1, rows->digest);
    }
}

uint32_t et_update_biases(const et_trained *layer, const int8_t *e, int32_t exponent,
                          uint32_t positions, et_learner *learner,
                          const et_update_scratch *scratch, uint32_t *digest)
{
    et_rows rows = {layer, scratch, digest, hit};
    uint64_t total = 0, squares = 0;
    et_rule_begin(layer, exponent);
    et_sum_errors(e, positions, layer->rows, scratch->gradient);
    for (uint32_t row = 0; row < layer->rows; row++) {
        uint64_t magnitude = ET_BIAS_INPUT * (uint64_t)et_magnitude(scratch->gradient[row]);
        scratch->row_mass[row] = et_rule_mass(layer, magnitude);
        total += scratch->row_mass[row];
        squares += et_rule_square(layer->rule, (uint32_t)magnitude);
    }
    if (total == et_rule_nothing(layer)) {
        return 0;
    }
    et_gradient facts = {total, squares, exponent, e};
    uint32_t n = et_trials(layer, facts, learner);
    if (n) {
        et_draw(&rows, total, n, learner->generator);
    }
    return n;
}
