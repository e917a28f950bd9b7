/* The gradient of a convolution whose taps lie apart: weight by weight. */
#include "dilated.h"

typedef struct {
    et_shape in, out;
    const et_window *window;
    et_dilation dilation;
    int32_t zero_point, start;
} place;

/* The sum of e * (x - zero_point) over the outputs whose tap (ky, kx) lies inside the input, and
 * the start. */
static int32_t sum_outputs(const place *p, int32_t ky, int32_t kx, const int8_t *e,
                           const int8_t *x)
{
    int32_t acc = p->start;
    for (int32_t oy = 0; oy < p->out.height; oy++) {
        for (int32_t ox = 0; ox < p->out.width; ox++, e += p->out.channels) {
            int32_t cell = et_dilated_cell(p->in, p->window, p->dilation, oy, ox, ky, kx);
            acc += cell < 0 ? 0 : *e * (x[cell * p->in.channels] - p->zero_point);
        }
    }
    return acc;
}

static int32_t sum_errors(const int8_t *e, et_shape out)
{
    int32_t total = 0;
    for (int32_t i = out.height * out.width; i; i--, e += out.channels) {
        total += *e;
    }
    return total;
}

void et_dilated_gradient(et_shape in, et_shape out, const et_window *window, et_dilation dilation,
                         int32_t depth, int32_t zero_point, int32_t centre, const int8_t *e,
                         const int8_t *x, int32_t *gradient)
{
    int32_t total = sum_errors(e, out);
    place p = {in, out, window, dilation, zero_point, -centre * total};
    for (int32_t ky = 0; ky < window->kernel_h; ky++) {
        for (int32_t kx = 0; kx < window->kernel_w; kx++) {
            for (int32_t c = 0; c < depth; c++) {
                *gradient++ = sum_outputs(&p, ky, kx, e, x + c);
            }
        }
    }
    *gradient = ET_BIAS_INPUT * total;
}
