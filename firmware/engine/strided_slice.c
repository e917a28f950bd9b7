/* STRIDED_SLICE with strides of one: a crop. */
#include <string.h>

#include "error_block.h"

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

static int is_inside(uint32_t at, uint32_t begin, uint32_t size)
{
    return at >= begin && at < begin + size;
}

/* Nothing outside of the crop. */
int32_t et_strided_slice_input_error(const et_strided_slice *p, const int8_t *e, const int8_t *x,
                                     et_clip clip, int8_t *e_in)
{
    et_error_block block = et_error_open(e_in, x, clip);
    for (uint32_t i = 0; i < p->in.height; i++) {
        for (uint32_t j = 0; j < p->in.width; j++) {
            int inside =
                is_inside(i, p->begin_h, p->out.height) && is_inside(j, p->begin_w, p->out.width);
            for (uint32_t c = 0; c < p->in.channels; c++) {
                int taken = inside && is_inside(c, p->begin_c, p->out.channels);
                et_error_put(&block, taken ? *e++ : 0);
            }
        }
    }
    return (int32_t)block.shift;
}
