/* STRIDED_SLICE with strides of one: a crop. */
#include <string.h>

#include "operators.h"

void et_strided_slice_forward(const et_strided_slice *p, const int8_t *x, int8_t *y)
{
    uint32_t pixel = p->in.channels, row = p->in.width * pixel;
    x += p->begin_h * row + p->begin_w * pixel + p->begin_c;
    for (uint32_t i = 0; i < p->out.height; i++, x += row) {
        const int8_t *cell = x;
        for (uint32_t j = 0; j < p->out.width; j++, cell += pixel, y += p->out.channels) {
            memcpy(y, cell, p->out.channels);
        }
    }
}
