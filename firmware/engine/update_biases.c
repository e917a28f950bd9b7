/* An update of biases alone: a bias' gradient is the sum of its channel's errors, so one pass over
 * these forms all of them, and the layer's input does not matter. */
#include <string.h>

#include "draw.h"
#include "error_block.h"
#include "trials.h"
#include "update.h"

static void sum_errors(const int8_t *e, uint32_t positions, uint32_t rows, int32_t *sums)
{
    memset(sums, 0, rows * sizeof *sums);
    for (; positions; positions--) {
        for (uint32_t row = 0; row < rows; row++) {
            sums[row] += *e++;
        }
    }
}

static void hit(et_rows *rows, uint32_t row, uint64_t point)
{
    (void)point; /* a row is one bias */
    et_step(rows->layer, row, 0, rows->scratch->gradient[row] < 0 ? -1 : 1, rows->digest);
}

uint32_t et_update_biases(const et_trained *layer, const int8_t *e, int32_t exponent,
                          uint32_t positions, et_learner *learner,
                          const et_update_scratch *scratch, uint32_t *digest)
{
    et_rows rows = {layer, scratch, digest, hit};
    uint64_t total = 0, squares = 0;
    sum_errors(e, positions, layer->rows, scratch->gradient);
    for (uint32_t row = 0; row < layer->rows; row++) {
        scratch->row_mass[row] = ET_BIAS_INPUT * (uint64_t)et_magnitude(scratch->gradient[row]);
        total += scratch->row_mass[row];
        squares += et_rule_square(layer->rule, (uint32_t)scratch->row_mass[row]);
    }
    if (total == 0) {
        return 0;
    }
    et_gradient facts = {total, squares, exponent, e};
    uint32_t n = et_trials(layer, facts, learner);
    if (n) {
        et_draw(&rows, total, n, learner->generator);
    }
    return n;
}
