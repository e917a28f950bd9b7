/* PAD of height and width with a constant. */
#include <string.h>

#include "error_block.h"

/* Offset of the input's row y in the padded tensor. */
static uint32_t row_offset(const et_pad *p, uint32_t y)
{
    return ((p->before_h + y) * p->out.width + p->before_w) * p->out.channels;
}

void et_pad_forward(const et_pad *p, const int8_t *x, int8_t *y)
{
    uint32_t row = (uint32_t)p->in.width * p->in.channels;
    memset(y, p->value, (uint32_t)p->out.height * p->out.width * p->out.channels);
    for (uint32_t i = 0; i < p->in.height; i++, x += row) {
        memcpy(y + row_offset(p, i), x, row);
    }
}

int32_t et_pad_input_error(const et_pad *p, const int8_t *e, const int8_t *x, et_clip clip,
                           int8_t *e_in)
{
    uint32_t row = (uint32_t)p->in.width * p->in.channels;
    et_error_block block = et_error_open(e_in, x, clip);
    for (uint32_t i = 0; i < p->in.height; i++) {
        const int8_t *error = e + row_offset(p, i);
        for (uint32_t k = 0; k < row; k++) {
            et_error_put(&block, error[k]);
        }
    }
    return (int32_t)block.shift;
}
