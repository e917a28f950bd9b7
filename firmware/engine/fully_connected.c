/* FULLY_CONNECTED: y = w x. */
#include "dot.h"
#include "error_block.h"
#include "requantize.h"

#ifndef ET_CMSIS_NN
void et_fully_connected_forward(const et_fully_connected *p, const int8_t *weights,
                                const int32_t *bias, const int8_t *x, int8_t *y, void *scratch)
{
    const et_quantization *q = &p->quantization;
    uint32_t o = 0;
    (void)scratch;
    for (; o + 4 <= p->out; o += 4, weights += 4 * p->in) {
        int32_t acc[4] = {bias[o], bias[o + 1], bias[o + 2], bias[o + 3]};
        et_dot_4(x, weights, p->in, p->in, q->input_zero_point, acc);
        for (uint32_t i = 0; i < 4; i++) {
            y[o + i] = et_requantize(q, o + i, acc[i]);
        }
    }
    for (; o < p->out; o++, weights += p->in) {
        int32_t acc = bias[o] + et_dot(x, weights, p->in, q->input_zero_point);
        y[o] = et_requantize(q, o, acc);
    }
}
#endif

int32_t et_fully_connected_input_error(const et_fully_connected *p, const int8_t *weights,
                                       const int8_t *e, const int8_t *x, et_clip clip,
                                       int8_t *e_in)
{
    et_error_block block = et_error_open(e_in, x, clip);
    uint32_t i = 0;
    for (; i + 4 <= p->in; i += 4) {
        int32_t acc[4] = {0};
        et_dot_columns_4(e, weights + i, p->out, p->in, acc);
        for (uint32_t k = 0; k < 4; k++) {
            et_error_put(&block, acc[k]);
        }
    }
    for (; i < p->in; i++) {
        et_error_put(&block, et_dot_column(e, weights + i, p->out, p->in));
    }
    return (int32_t)block.shift;
}

void et_fully_connected_gradient(const et_fully_connected *p, uint32_t row, const int8_t *e,
                                 const int8_t *x, int32_t *gradient)
{
    int32_t error = e[row], zero_point = p->quantization.input_zero_point;
    for (uint32_t i = 0; i < p->in; i++) {
        gradient[i] = error * (x[i] - zero_point);
    }
    gradient[p->in] = error * ET_BIAS_INPUT;
}
