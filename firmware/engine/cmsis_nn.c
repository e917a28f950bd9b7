/* Forward convolutions and dense layers by CMSIS-NN, with the bits of the portable ones
 * (its default build: CMSIS_NN_USE_SINGLE_ROUNDING would change them). */
#include "cmsis_nn.h"

#include <arm_nnfunctions.h>

static cmsis_nn_dims dims(et_shape shape)
{
    cmsis_nn_dims result = {1, shape.height, shape.width, shape.channels};
    return result;
}

static cmsis_nn_activation activation(const et_quantization *q)
{
    cmsis_nn_activation result = {q->activation_min, q->activation_max};
    return result;
}

static cmsis_nn_conv_params conv_params(const et_quantization *q, const et_window *window)
{
    cmsis_nn_conv_params result = {-q->input_zero_point,
                                   q->output_zero_point,
                                   {window->stride_w, window->stride_h},
                                   {window->pad_w, window->pad_h},
                                   {1, 1},
                                   activation(q)};
    return result;
}

/* CMSIS-NN takes shifts as words: those of count channels, at the start of the scratch.  Returns what
 * lies behind them. */
static void *put_shifts(const et_quantization *q, int32_t count, int32_t *scratch)
{
    for (int32_t c = 0; c < count; c++) {
        scratch[c] = q->shift[c];
    }
    return scratch + ((count + 1) & ~1);
}

/* CMSIS-NN does not write to multipliers, but its types do not say so. */
static cmsis_nn_per_channel_quant_params channels(const et_quantization *q, int32_t *shifts)
{
    cmsis_nn_per_channel_quant_params result = {(int32_t *)q->multiplier, shifts};
    return result;
}

/* How far the last window reaches beyond an input of size in. */
static int32_t overhang(int32_t in, int32_t out, int32_t kernel, int32_t stride, int32_t pad)
{
    return (out - 1) * stride - pad + kernel - in;
}

static int32_t largest_overhang(et_shape in, et_shape out, const et_window *w)
{
    int32_t down = overhang(in.height, out.height, w->kernel_h, w->stride_h, w->pad_h);
    int32_t across = overhang(in.width, out.width, w->kernel_w, w->stride_w, w->pad_w);
    return down > across ? down : across;
}

static int is_pointwise(const et_conv_2d *p)
{
    const et_window *w = &p->window;
    return w->kernel_h == 1 && w->kernel_w == 1 && w->pad_h == 0 && w->pad_w == 0 &&
           largest_overhang(p->in, p->out, w) <= 0;
}

/* The wrapper serves pointwise layers.  For the others it would choose arm_convolve_s8, or for
 * inputs of one row a kernel that presumes TFLite's own paddings, which a PAD folded into the
 * convolution need not have. */
void et_cmsis_nn_conv_2d_forward(const et_conv_2d *p, const int8_t *weights, const int32_t *bias,
                                 const int8_t *x, int8_t *y, void *scratch)
{
    cmsis_nn_context context = {put_shifts(&p->quantization, p->out.channels, scratch), 0};
    cmsis_nn_conv_params params = conv_params(&p->quantization, &p->window);
    cmsis_nn_per_channel_quant_params quantization = channels(&p->quantization, scratch);
    cmsis_nn_dims in = dims(p->in), out = dims(p->out), biases = {1, 1, 1, out.c};
    cmsis_nn_dims filter = {out.c, p->window.kernel_h, p->window.kernel_w, in.c};
    if (is_pointwise(p)) {
        arm_convolve_wrapper_s8(&context, &params, &quantization, &in, x, &filter, weights,
                                &biases, bias, &out, y);
    } else {
        arm_convolve_s8(&context, &params, &quantization, &in, x, &filter, weights, &biases, bias,
                        NULL, &out, y);
    }
}

/* The wrapper's kernels have limits where a PAD was folded: the 3x3 one always reads a window's
 * middle column, and one input channel may go to a convolution that is pointwise or of one row. */
static int is_usual(const et_depthwise_conv_2d *p)
{
    int32_t reach = p->window.kernel_h > 1 || p->window.kernel_w > 1;
    return largest_overhang(p->in, p->out, &p->window) <= reach &&
           (p->in.height > 1 || p->window.kernel_h > 1);
}

void et_cmsis_nn_depthwise_conv_2d_forward(const et_depthwise_conv_2d *p, const int8_t *weights,
                                           const int32_t *bias, const int8_t *x, int8_t *y,
                                           void *scratch)
{
    const et_quantization *q = &p->quantization;
    cmsis_nn_context context = {put_shifts(q, p->out.channels, scratch), 0};
    cmsis_nn_dw_conv_params params = {-q->input_zero_point,
                                      q->output_zero_point,
                                      p->multiplicity,
                                      {p->window.stride_w, p->window.stride_h},
                                      {p->window.pad_w, p->window.pad_h},
                                      {1, 1},
                                      activation(q)};
    cmsis_nn_per_channel_quant_params quantization = channels(q, scratch);
    cmsis_nn_dims in = dims(p->in), out = dims(p->out), biases = {1, 1, 1, out.c};
    cmsis_nn_dims filter = {1, p->window.kernel_h, p->window.kernel_w, out.c};
    if (is_usual(p)) {
        arm_depthwise_conv_wrapper_s8(&context, &params, &quantization, &in, x, &filter, weights,
                                      &biases, bias, &out, y);
    } else {
        arm_depthwise_conv_s8(&context, &params, &quantization, &in, x, &filter, weights, &biases,
                              bias, &out, y);
    }
}

void et_cmsis_nn_fully_connected_forward(const et_fully_connected *p, const int8_t *weights,
                                         const int32_t *bias, const int8_t *x, int8_t *y,
                                         void *scratch)
{
    const et_quantization *q = &p->quantization;
    int32_t in_size = (int32_t)p->in, out_size = (int32_t)p->out;
    cmsis_nn_context context = {put_shifts(q, out_size, scratch), 0};
    cmsis_nn_fc_params params = {-q->input_zero_point, 0, q->output_zero_point, activation(q)};
    cmsis_nn_quant_params quantization = {(int32_t *)q->multiplier, scratch, 1};
    cmsis_nn_dims in = {1, 1, 1, in_size}, out = {1, 1, 1, out_size};
    cmsis_nn_dims filter = {in_size, 1, 1, out_size}, biases = {1, 1, 1, out_size};
#ifdef ARM_MATH_MVEI
    /* Bias and input offset times the row's sum; training changes the weights, so every time. */
    arm_vector_sum_s8(context.buf, in_size, out_size, weights, params.input_offset, 0, bias);
#endif
    arm_fully_connected_wrapper_s8(&context, &params, &quantization, &in, x, &filter, weights,
                                   &biases, bias, &out, y);
}
