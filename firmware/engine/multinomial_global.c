#include "error_block.h"
#include "sum_errors.h"
#include "trials.h"

#define MOST_TRIALS_Q16 (65535u << 16)

void et_multinomial_global_observe(et_multinomial_global_network *network,
                                   et_multinomial_global_layer *layers, uint32_t count)
{
    et_scaled nothing = {0, 0};
    network->mass = nothing;
    for (; count; count--) {
        layers++->mass = nothing;
    }
}

static uint64_t sum_magnitudes(const int32_t *gradient, uint32_t count)
{
    uint64_t sum = 0;
    for (; count; count--) {
        sum += et_magnitude(*gradient++);
    }
    return sum;
}

static void note(const et_trained *layer, uint64_t sum, int32_t exponent)
{
    if (sum == 0) {
        return;
    }
    et_scaled *all = &layer->rule->network->mass, *own = &layer->words->mass;
    et_rule_begin(layer, exponent);
    sum += et_rule_nothing(layer);
    *own = et_scaled_product(et_scaled_of(sum, exponent), layer->rule->unit);
    *all = et_scaled_sum(*all, *own);
}

void et_measure(const et_trained *layer, et_row_gradient row_gradient, const void *operator_,
                const int8_t *e, int32_t exponent, const int8_t *x,
                const et_update_scratch *scratch)
{
    uint64_t sum = 0;
    for (uint32_t row = 0; row < layer->rows; row++) {
        row_gradient(operator_, row, e, x, 0, scratch->gradient);
        sum += sum_magnitudes(scratch->gradient, layer->row_size + 1);
    }
    note(layer, sum, exponent);
}

void et_measure_biases(const et_trained *layer, const int8_t *e, int32_t exponent,
                       uint32_t positions, const et_update_scratch *scratch)
{
    et_sum_errors(e, positions, layer->rows, scratch->gradient);
    note(layer, ET_BIAS_INPUT * sum_magnitudes(scratch->gradient, layer->rows), exponent);
}

uint32_t et_rule_trials_q16(const et_trained *layer, const et_gradient *g,
                            const et_learner *learner)
{
    et_scaled own = layer->words->mass;
    (void)g;
    (void)learner;
    if (own.mantissa == 0) {
        return 0;
    }
    et_scaled share = et_scaled_product(layer->rule->trials, own);
    uint32_t n = et_scaled_q16(et_scaled_quotient(share, layer->rule->network->mass));
    return n < MOST_TRIALS_Q16 ? n : MOST_TRIALS_Q16;
}
