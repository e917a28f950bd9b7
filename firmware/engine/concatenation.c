/* CONCATENATION: inputs and output have one scale, so it only copies. */
#include <string.h>

#include "error_block.h"

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

/* Each input takes its own chunks. */
int32_t et_concatenation_input_error(const et_concatenation *p, uint32_t operand, const int8_t *e,
                                     const int8_t *x, et_clip clip, int8_t *e_in)
{
    et_error_block block = et_error_open(e_in, x, clip);
    uint32_t before = 0, row = 0;
    for (uint32_t k = 0; k < p->inputs; k++) {
        before += k < operand ? p->chunks[k] : 0;
        row += p->chunks[k];
    }
    for (uint32_t i = 0; i < p->outer; i++, e += row) {
        for (uint32_t k = 0; k < p->chunks[operand]; k++) {
            et_error_put(&block, e[before + k]);
        }
    }
    return (int32_t)block.shift;
}
