/* GATHER along one axis by constant indices, and one axis of RESIZE_NEAREST_NEIGHBOR. */
#include <string.h>

#include "error_block.h"

void et_gather_forward(const et_gather *p, const int8_t *x, int8_t *y)
{
    for (uint32_t i = 0; i < p->outer; i++, y += p->count * p->chunk) {
        for (uint32_t source = 0; source < p->sources; source++, x += p->chunk) {
            for (uint32_t r = p->first[source]; r < p->first[source + 1]; r++) {
                memcpy(y + p->readers[r] * p->chunk, x, p->chunk);
            }
        }
    }
}

/* Over all that read one value. */
int32_t et_gather_input_error(const et_gather *p, const int8_t *e, const int8_t *x, et_clip clip,
                              int8_t *e_in)
{
    et_error_block block = et_error_open(e_in, x, clip);
    for (uint32_t i = 0; i < p->outer; i++, e += p->count * p->chunk) {
        for (uint32_t source = 0; source < p->sources; source++) {
            for (uint32_t k = 0; k < p->chunk; k++) {
                int32_t acc = 0;
                for (uint32_t r = p->first[source]; r < p->first[source + 1]; r++) {
                    acc += e[p->readers[r] * p->chunk + k];
                }
                et_error_put(&block, acc);
            }
        }
    }
    return (int32_t)block.shift;
}
