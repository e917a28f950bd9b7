/* A weight's step. */
#ifndef ET_STEP_H
#define ET_STEP_H

#include "digest.h"

/* Against its gradient's sign: of the weight at offset among its layer's; sign times several, up to
 * 255. */
static inline void et_step_weight(const et_trained *layer, uint32_t offset, int32_t sign,
                                  uint32_t *digest)
{
    int8_t *weight = layer->weights + offset;
    uint32_t index = layer->first_index + offset;
    int32_t value = *weight, moved = value - sign;
    moved = moved > 127 ? 127 : moved;
    moved = moved < -127 ? -127 : moved;
    *weight = (int8_t)moved;
    *digest += et_digest_term(index, moved) - et_digest_term(index, value);
}

#endif
