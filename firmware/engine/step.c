#include "step.h"

#include "draw.h"

#define BIAS_LIMIT (1 << 30)

static void step_bias(const et_trained *layer, uint32_t row, int32_t sign, uint32_t *digest)
{
    int32_t *bias = layer->bias + row;
    int64_t moved = (int64_t)*bias - sign * ET_BIAS_INPUT;
    moved = moved > BIAS_LIMIT ? BIAS_LIMIT : moved;
    moved = moved < -BIAS_LIMIT ? -BIAS_LIMIT : moved;
    *digest += et_digest_change(layer->first_index + layer->rows * layer->row_size + row, *bias,
                                (int32_t)moved);
    *bias = (int32_t)moved;
}

void et_step(const et_trained *layer, uint32_t row, uint32_t column, int32_t sign,
             uint32_t *digest)
{
    if (column == layer->row_size) {
        step_bias(layer, row, sign, digest);
        return;
    }
    uint32_t offset = row * layer->row_stride + column * layer->column_stride;
    int32_t value = layer->weights[offset], moved = et_moved_weight(value, sign);
    layer->weights[offset] = (int8_t)moved;
    *digest += et_digest_change(layer->first_index + offset, value, moved);
}
