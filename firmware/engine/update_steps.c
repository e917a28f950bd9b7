/* An update in which every weight has a step of its own, one row of the gradient at a time. */
#include "steps.h"

#include "draw.h"
#include "error_block.h"
#include "sum_errors.h"

static void look(et_steps *steps, const int32_t *gradient, uint32_t count)
{
    for (; count; count--) {
        uint32_t magnitude = et_magnitude(*gradient++);
        steps->largest = magnitude > steps->largest ? magnitude : steps->largest;
    }
}

static uint32_t take(const et_steps *steps, uint32_t row, int32_t *gradient, uint32_t *digest)
{
    const et_trained *layer = steps->layer;
    uint32_t taken = et_rule_steps(steps, row, gradient);
    for (uint32_t column = 0; taken && column <= layer->row_size; column++) {
        if (gradient[column]) {
            et_step(layer, row, column, gradient[column], digest);
        }
    }
    return taken;
}

uint32_t et_update_steps(const et_trained *layer, et_row_gradient row_gradient,
                         const void *operator_, const int8_t *e, int32_t exponent, const int8_t *x,
                         et_learner *learner, const et_update_scratch *scratch, uint32_t *digest)
{
    et_steps steps = {layer, learner, exponent, 0};
    uint32_t taken = 0;
    for (uint32_t row = 0; ET_RULE_LOOKS && row < layer->rows; row++) {
        row_gradient(operator_, row, e, x, 0, scratch->gradient);
        look(&steps, scratch->gradient, layer->row_size + 1);
    }
    for (uint32_t row = 0; row < layer->rows; row++) {
        row_gradient(operator_, row, e, x, 0, scratch->gradient);
        taken += take(&steps, row, scratch->gradient, digest);
    }
    return taken;
}

uint32_t et_update_steps_biases(const et_trained *layer, const int8_t *e, int32_t exponent,
                                uint32_t positions, et_learner *learner,
                                const et_update_scratch *scratch, uint32_t *digest)
{
    et_steps steps = {layer, learner, exponent, 0};
    int32_t *gradient = scratch->gradient;
    uint32_t taken = 0;
    et_sum_errors(e, positions, layer->rows, gradient);
    for (uint32_t row = 0; row < layer->rows; row++) {
        gradient[row] *= ET_BIAS_INPUT;
    }
    if (ET_RULE_LOOKS) {
        look(&steps, gradient, layer->rows);
    }
    for (uint32_t row = 0; row < layer->rows; row++) {
        taken += take(&steps, row, gradient + row, digest);
    }
    return taken;
}
