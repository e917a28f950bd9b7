#include "sgd.h"

#include "steps.h"

static et_sgd_scale scale_of(et_scaled factor, int32_t exponent)
{
    int32_t shift = -(factor.exponent + exponent + 16);
    et_sgd_scale scale = {factor.mantissa, shift < 63 ? shift : 63};
    return scale;
}

uint32_t et_rule_steps(const et_steps *steps, uint32_t row, int32_t *gradient)
{
    const et_sgd *rule = steps->layer->rule;
    uint32_t weights = steps->layer->row_size, *generator = steps->learner->generator;
    et_scaled anneal = et_scaled_of(et_anneal_q16(steps->learner), -16);
    et_scaled factor = et_scaled_product(rule->factors[row * rule->factor_step], anneal);
    uint32_t taken = et_sgd_round(gradient, weights, scale_of(factor, steps->exponent), generator);
    et_sgd_scale bias = scale_of(et_scaled_product(factor, rule->bias), steps->exponent);
    return taken + et_sgd_round(gradient + weights, 1, bias, generator);
}
