/* FULLY_CONNECTED: y = w x. */
#include "dot.h"
#include "error_block.h"
#include "requantize.h"

void et_fully_connected_forward(const et_fully_connected *p, const int8_t *weights,
                                const int32_t *bias, const int8_t *x, int8_t *y, void *scratch)
{
    const et_quantization *q = &p->quantization;
    uint32_t o = 0;
    (void)scratch;
    for (; o + 4 <= p->out; o += 4, weights += 4 * p->in) {
        int32_t acc[4] = {0};
        et_dot_4(x, weights, p->in, p->in, q->input_zero_point, acc);
        et_requantize(q, o, 4, bias, acc, y);
    }
    for (; o < p->out; o++, weights += p->in) {
        int32_t acc = et_dot(x, weights, p->in, q->input_zero_point);
        et_requantize(q, o, 1, bias, &acc, y);
    }
}

int32_t et_fully_connected_input_error(const et_fully_connected *p, const int8_t *weights,
                                       const int8_t *e, const int8_t *x, et_clip clip,
                                       int8_t *e_in)
{
    et_error_block block = et_error_open(e_in, x, clip);
    uint32_t i = 0;
    for (; i + 4 <= p->in; i += 4) {
        int32_t acc[4] = {0};
        et_dot_columns_4(e, weights + i, p->out, p->in, acc);
        et_error_put_many(&block, acc, 4);
    }
    for (; i < p->in; i++) {
        et_error_put(&block, et_dot_column(e, weights + i, p->out, p->in));
    }
    return (int32_t)block.shift;
}

void et_fully_connected_gradient(const et_fully_connected *p, uint32_t row, const int8_t *e,
                                 const int8_t *x, int32_t centre, int32_t *gradient)
{
    int32_t error = e[row], origin = p->quantization.input_zero_point + centre;
    for (const int8_t *end = x + p->in; x != end; x++) {
        *gradient++ = error * (*x - origin);
    }
    *gradient = error * ET_BIAS_INPUT;
}
