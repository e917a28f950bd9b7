/* A dense layer's update: its gradient is the outer product of errors and inputs, so rows
 * share one array of cumulative magnitudes, and no row is ever formed. */
#include "draw.h"
#include "error_block.h"
#include "trials.h"
#include "update.h"

typedef struct {
    et_rows rows; /* first: the draw sees only this part */
    const int8_t *e, *x;
    int32_t zero_point;
    const uint32_t *cumulative; /* of the inputs' magnitudes, the bias' input last */
} factored_rows;

/* Writes the cumulative magnitudes, and adds their squares up; returns the last. */
static uint32_t accumulate(const et_trained *layer, const int8_t *x, int32_t zero_point,
                           uint32_t *cumulative, uint64_t *squares)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < layer->row_size; i++) {
        uint32_t magnitude = et_magnitude(x[i] - zero_point);
        total += magnitude;
        *squares += et_rule_square(layer->rule, magnitude);
        cumulative[i] = total;
    }
    total += ET_BIAS_INPUT;
    *squares += et_rule_square(layer->rule, ET_BIAS_INPUT);
    cumulative[layer->row_size] = total;
    return total;
}

/* The first column with |e| * cumulative > point, that is cumulative > point / |e|. */
static uint32_t find_column(const factored_rows *f, uint32_t error, uint64_t point)
{
    uint32_t least = (uint32_t)(point / error), low = 0;
    for (uint32_t high = f->rows.layer->row_size; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        if (f->cumulative[middle] > least) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static void hit(et_rows *rows, uint32_t row, uint64_t point)
{
    const factored_rows *f = (const factored_rows *)rows;
    uint32_t column = find_column(f, et_magnitude(f->e[row]), point);
    int32_t sign = f->e[row] < 0 ? -1 : 1;
    if (column < rows->layer->row_size && f->x[column] < f->zero_point) {
        sign = -sign;
    }
    et_step(rows->layer, row, column, sign, rows->digest);
}

uint32_t et_update_factored(const et_trained *layer, const int8_t *e, int32_t exponent,
                            const int8_t *x, int32_t input_zero_point, et_learner *learner,
                            const et_update_scratch *scratch, uint32_t *digest)
{
    uint32_t *cumulative = (uint32_t *)scratch->gradient;
    factored_rows f = {{layer, scratch, digest, hit}, e, x, input_zero_point, cumulative};
    uint64_t of_inputs = 0, of_errors = 0, total = 0;
    uint64_t inputs = accumulate(layer, x, input_zero_point, cumulative, &of_inputs);
    for (uint32_t row = 0; row < layer->rows; row++) {
        uint32_t error = et_magnitude(e[row]);
        of_errors += et_rule_square(layer->rule, error);
        scratch->row_mass[row] = inputs * error;
        total += scratch->row_mass[row];
    }
    if (total == 0) {
        return 0;
    }
    et_gradient facts = {total, of_inputs * of_errors, exponent, e};
    uint32_t n = et_trials(layer, facts, learner);
    if (n) {
        et_draw(&f.rows, total, n, learner->generator);
    }
    return n;
}
