/* CONCATENATION: inputs and output have one scale, so it only copies. */
#include <string.h>

#include "operators.h"

void et_concatenation_forward(const et_concatenation *p, const int8_t *const *inputs, int8_t *y)
{
    for (uint32_t i = 0; i < p->outer; i++) {
        for (uint32_t k = 0; k < p->inputs; k++) {
            uint32_t chunk = p->chunks[k];
            memcpy(y, inputs[k] + i * chunk, chunk);
            y += chunk;
        }
    }
}
