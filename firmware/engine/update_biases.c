/* An update of biases alone: a bias' gradient is the sum of its channel's errors, so one pass over
 * these forms all of them, and the layer's input does not matter. */
#include "draw.h"
#include "operators.h"
#include "row_mass.h"
#include "sum_errors.h"
#include "trials.h"

static int32_t *bias_of(et_rows *rows, uint32_t row)
{
    return rows->scratch->gradient + row; /* a row is one bias */
}

uint32_t et_update_biases(const et_trained *layer, const int8_t *e, int32_t exponent,
                          uint32_t positions, et_learner *learner,
                          const et_update_scratch *scratch, uint32_t *digest)
{
    et_rows rows = {layer, scratch, digest, bias_of, 0, 0};
    uint64_t total = 0, squares = 0;
    et_rule_begin(layer, exponent);
    et_sum_errors(e, positions, layer->rows, scratch->gradient);
    for (uint32_t row = 0; row < layer->rows; row++) {
        scratch->gradient[row] *= ET_BIAS_INPUT;
        scratch->row_mass[row] = et_row_mass(layer, scratch->gradient + row, &squares);
        total += scratch->row_mass[row];
    }
    if (total == et_rule_nothing(layer)) {
        return 0;
    }
    et_gradient facts = {total, squares, exponent, e};
    uint32_t n = et_trials(layer, &facts, learner);
    if (n) {
        et_draw(&rows, total, n, learner->generator);
    }
    return n;
}
