/* MEAN over height and width. */
#include "error_block.h"
#include "requantize.h"

void et_mean_forward(const et_mean *p, const int8_t *x, int8_t *y)
{
    uint32_t positions = (uint32_t)p->in.height * p->in.width;
    for (uint32_t c = 0; c < p->in.channels; c++) {
        int32_t total = 0;
        const int8_t *cell = x + c;
        for (uint32_t i = positions; i; i--, cell += p->in.channels) {
            total += *cell - p->input_zero_point;
        }
        int32_t mean = et_multiply(total, p->multiplier, p->shift);
        y[c] = et_clamp(mean + p->output_zero_point, -128, 127);
    }
}

/* Every cell takes its channel's error; the constant factor is nothing that the rule sees. */
int32_t et_mean_input_error(const et_mean *p, const int8_t *e, const int8_t *x, et_clip clip,
                            int8_t *e_in)
{
    et_error_block block = et_error_open(e_in, x, clip);
    for (uint32_t i = (uint32_t)p->in.height * p->in.width; i; i--) {
        for (uint32_t c = 0; c < p->in.channels; c++) {
            et_error_put(&block, e[c]);
        }
    }
    return (int32_t)block.shift;
}
