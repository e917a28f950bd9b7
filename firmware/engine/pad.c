/* PAD with a constant. */
#include <string.h>

#include "error_block.h"

/* Values that lie side by side in both tensors: those of a row, or of a cell where channels are
 * padded; the input is rows of runs of them. */
typedef struct {
    uint32_t runs, length, step;
} runs_of_row;

static runs_of_row row_of(const et_pad *p)
{
    runs_of_row whole = {1, (uint32_t)p->in.width * p->in.channels, 0};
    runs_of_row cells = {p->in.width, p->in.channels, p->out.channels};
    return p->in.channels == p->out.channels ? whole : cells;
}

/* Offset of the input's row y in the padded tensor. */
static uint32_t row_offset(const et_pad *p, uint32_t y)
{
    return ((p->before_h + y) * p->out.width + p->before_w) * p->out.channels + p->before_c;
}

void et_pad_forward(const et_pad *p, const int8_t *x, int8_t *y)
{
    runs_of_row row = row_of(p);
    memset(y, p->value, (uint32_t)p->out.height * p->out.width * p->out.channels);
    for (uint32_t i = 0; i < p->in.height; i++) {
        int8_t *run = y + row_offset(p, i);
        for (uint32_t j = 0; j < row.runs; j++, x += row.length, run += row.step) {
            memcpy(run, x, row.length);
        }
    }
}

int32_t et_pad_input_error(const et_pad *p, const int8_t *e, const int8_t *x, et_clip clip,
                           int8_t *e_in)
{
    runs_of_row row = row_of(p);
    et_error_block block = et_error_open(e_in, x, clip);
    for (uint32_t i = 0; i < p->in.height; i++) {
        const int8_t *run = e + row_offset(p, i);
        for (uint32_t j = 0; j < row.runs; j++, run += row.step) {
            for (uint32_t k = 0; k < row.length; k++) {
                et_error_put(&block, run[k]);
            }
        }
    }
    return (int32_t)block.shift;
}
