#include "digest.h"
#include "draw.h"

#define BIAS_LIMIT (1 << 30)

static void step_bias(const et_trained *layer, uint32_t row, int32_t sign, uint32_t *digest)
{
    int32_t *bias = layer->bias + row;
    uint32_t index = layer->first_index + layer->rows * layer->row_size + row;
    *digest -= et_digest_term(index, *bias);
    int64_t moved = (int64_t)*bias - sign * ET_BIAS_INPUT;
    moved = moved > BIAS_LIMIT ? BIAS_LIMIT : moved;
    *bias = (int32_t)(moved < -BIAS_LIMIT ? -BIAS_LIMIT : moved);
    *digest += et_digest_term(index, *bias);
}

void et_step(const et_trained *layer, uint32_t row, uint32_t column, int32_t sign,
             uint32_t *digest)
{
    if (column == layer->row_size) {
        step_bias(layer, row, sign, digest);
        return;
    }
    uint32_t offset = row * layer->row_stride + column * layer->column_stride;
    int8_t *weight = layer->weights + offset;
    uint32_t index = layer->first_index + offset;
    *digest -= et_digest_term(index, *weight);
    int32_t moved = *weight - sign;
    moved = moved > 127 ? 127 : moved;
    *weight = (int8_t)(moved < -127 ? -127 : moved);
    *digest += et_digest_term(index, *weight);
}
