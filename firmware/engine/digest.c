#include "digest.h"

#include "generator.h"

uint32_t et_parameter_digest(const et_trained *layer)
{
    uint32_t index = layer->first_index, digest = 0;
    uint32_t weights = layer->rows * layer->row_size;
    for (uint32_t i = 0; i < weights; i++) {
        digest += et_digest_term(index++, layer->weights[i]);
    }
    for (uint32_t row = 0; row < layer->rows; row++) {
        digest += et_digest_term(index++, layer->bias[row]);
    }
    return digest;
}

static uint32_t chain(uint32_t digest, uint32_t word)
{
    return et_mix32(digest + word + 0x9E3779B9u);
}

uint32_t et_digest(uint32_t parameters, const et_learner *learner, const uint32_t *rule_words,
                   uint32_t count)
{
    uint32_t digest = chain(0, parameters);
    digest = chain(digest, learner->step);
    digest = chain(digest, learner->generator[0]);
    digest = chain(digest, learner->generator[1]);
    for (uint32_t i = 0; i < count; i++) {
        digest = chain(digest, rule_words[i]);
    }
    return digest;
}
