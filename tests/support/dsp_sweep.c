/* The DSP extension's kernels against the portable ones on the core itself, over random shapes:
 * every byte and every sum; and what is assembly on some cores against plain C.  Sends "equal" or
 * what differs, and a line's end. */
#include <string.h>

#include "add_dsp.h"
#include "average_pool_2d_dsp.h"
#include "conv_2d_dsp.h"
#include "conv_2d_gradient_dsp.h"
#include "depthwise_conv_2d_dsp.h"
#include "depthwise_conv_2d_gradient_dsp.h"
#include "depthwise_conv_2d_lines.h"
#include "dot.h"
#include "dsp.h"
#include "error_scale_dsp.h"
#include "fully_connected_dsp.h"
#include "fully_connected_mve.h"
#include "port.h"
#include "requantize.h"

#define LARGEST 8192

static uint32_t state = 1;
static int8_t weights[LARGEST], x[LARGEST], e[LARGEST], one[LARGEST], other[LARGEST];
static int32_t bias[64], multiplier[64];
static int8_t shift[64];
static int64_t scratch[2 * LARGEST / 8];
static int32_t gradient[LARGEST], blocks[LARGEST];

void et_rx_byte(uint8_t byte)
{
    (void)byte;
}

static uint32_t below(uint32_t n)
{
    state = state * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)state * n >> 32);
}

static uint16_t between(uint32_t least, uint32_t most)
{
    return (uint16_t)(least + below(most - least + 1));
}

/* Often nothing but the ends of the range, least and 127. */
static void randomize(int8_t *values, int32_t least)
{
    uint32_t extreme = below(4) == 0;
    for (uint32_t i = 0; i < LARGEST; i++) {
        int32_t value = (int32_t)below((uint32_t)(128 - least)) + least;
        values[i] = (int8_t)(!extreme ? value : value & 1 ? 127 : least);
    }
}

static uint16_t some_channels(void)
{
    static const uint8_t counts[] = {1, 2, 3, 4, 4, 8, 8, 12, 16, 7};
    return counts[below(sizeof counts)];
}

static uint16_t outputs_of(uint32_t in, uint32_t kernel, uint32_t stride, uint32_t *pad)
{
    uint32_t behind = below(3);
    *pad = below(3);
    while (in + *pad + behind < kernel) {
        ++*pad;
    }
    return (uint16_t)((in + *pad + behind - kernel) / stride + 1);
}

static void random_window(et_shape *in, et_shape *out, et_window *w)
{
    uint32_t pad_h, pad_w, pointwise = below(4) == 0;
    *in = (et_shape){between(1, 12), between(1, 12), some_channels()};
    *w = (et_window){between(1, 4), between(1, 4), between(1, 2), between(1, 2), 0, 0};
    if (pointwise) {
        *w = (et_window){1, 1, 1, 1, 0, 0};
    }
    out->height = outputs_of(in->height, w->kernel_h, w->stride_h, &pad_h);
    out->width = outputs_of(in->width, w->kernel_w, w->stride_w, &pad_w);
    if (pointwise) {
        pad_h = pad_w = 0;
        *out = *in;
    }
    out->channels = some_channels();
    w->pad_h = (uint16_t)pad_h;
    w->pad_w = (uint16_t)pad_w;
}

static et_quantization random_quantization(uint32_t row_size)
{
    et_quantization q = {(int16_t)((int32_t)below(256) - 128),
                         (int16_t)((int32_t)below(256) - 128),
                         -128,
                         127,
                         multiplier,
                         shift};
    uint32_t style = below(8), left = style == 0, large = style == 1, bits = 0;
    while (row_size >> bits) {
        bits++;
    }
    for (uint32_t c = 0; c < 64; c++) {
        multiplier[c] = (int32_t)(0x40000000u + below(0x40000000u));
        shift[c] = (int8_t)(left ? (int32_t)below(2) : -(int32_t)(between(5, 8) + bits / 2));
        bias[c] = (int32_t)below(large ? 0x7FFFFFFFu : 40000) - (large ? 0x3FFFFFFF : 20000);
    }
    if (below(3) == 0) {
        q.activation_min = (int16_t)((int32_t)below(100) - 100);
        q.activation_max = (int16_t)below(128);
    }
    return q;
}

static et_clip random_clip(void)
{
    int32_t low = (int32_t)below(256) - 128, high = (int32_t)below(256) - 128;
    et_clip none = {-129, 128}, relu = {(int16_t)low, 128}, any = {(int16_t)low, (int16_t)high};
    uint32_t style = below(3);
    return style == 0 ? none : style == 1 ? relu : any;
}

static void randomize_all(void)
{
    randomize(weights, -128);
    randomize(x, -128);
    randomize(e, -127);
    memset(one, 99, sizeof one);
    memset(other, 99, sizeof other);
    memset(scratch, 0xA5, sizeof scratch);
}

/* -- cases: whether both agree ------------------------------------------------------------- */

static int conv_2d_forward(void)
{
    et_conv_2d p;
    random_window(&p.in, &p.out, &p.window);
    p.quantization =
        random_quantization((uint32_t)p.window.kernel_h * p.window.kernel_w * p.in.channels);
    et_conv_2d_forward(&p, weights, bias, x, one, 0);
    et_conv_2d_dsp_forward(&p, weights, bias, x, other, scratch);
    return memcmp(one, other, sizeof one) == 0;
}

static int conv_2d_input_error(void)
{
    et_conv_2d p;
    et_clip clip = random_clip();
    random_window(&p.in, &p.out, &p.window);
    int32_t expected = et_conv_2d_input_error(&p, weights, e, x, clip, one);
    int32_t got = et_conv_2d_dsp_input_error(&p, weights, e, x, clip, other, scratch);
    return got == expected && memcmp(one, other, sizeof one) == 0;
}

/* No errors in some of at most 16 channels, as of outputs that a RELU holds. */
static void silence(uint32_t channels)
{
    uint32_t silent = below(1u << 16) & (below(2) ? below(1u << 16) : 0xFFFF);
    for (uint32_t i = 0; i < LARGEST; i++) {
        e[i] = silent >> i % channels & 1 ? 0 : e[i];
    }
}

/* The centre of inputs of any mean. */
static int32_t some_centre(et_quantization q)
{
    return below(4) ? (int32_t)below(256) - 128 - q.input_zero_point : 0;
}

static int conv_2d_gradient(void)
{
    et_conv_2d p;
    random_window(&p.in, &p.out, &p.window);
    silence(p.out.channels);
    uint32_t row_size = (uint32_t)p.window.kernel_h * p.window.kernel_w * p.in.channels;
    uint32_t first = below(p.out.channels), count = 1 + below(p.out.channels - first);
    p.quantization = random_quantization(row_size);
    int32_t centre = some_centre(p.quantization);
    for (uint32_t row = 0; row < count; row++) {
        et_conv_2d_gradient(&p, first + row, e, x, centre, gradient + row * (row_size + 1));
    }
    et_conv_2d_dsp_gradient(&p, first, count, e, x, centre, blocks, scratch);
    return memcmp(gradient, blocks, count * (row_size + 1) * sizeof *blocks) == 0;
}

static void random_square(et_depthwise_conv_2d *p)
{
    p->in = (et_shape){between(1, 12), between(1, 12), between(4, 13)};
    if (below(4) == 0) {
        p->in.height = between(30, 80);
        p->in.width = between(1, 3);
    }
    p->window = (et_window){3, 3, 1, 1, between(0, 2), between(0, 2)};
    p->out = p->in;
    p->out.height = (uint16_t)(p->in.height + p->window.pad_h);
    p->out.width = (uint16_t)(p->in.width + p->window.pad_w);
    p->multiplicity = 1;
    p->quantization = random_quantization(9);
}

typedef void forward_of(const et_depthwise_conv_2d *, const int8_t *, const int32_t *,
                        const int8_t *, int8_t *, void *);
typedef int32_t input_error_of(const et_depthwise_conv_2d *, const int8_t *, const int8_t *,
                               const int8_t *, et_clip, int8_t *, void *);

static int forward_agrees(forward_of *kernel)
{
    et_depthwise_conv_2d p;
    random_square(&p);
    et_depthwise_conv_2d_forward(&p, weights, bias, x, one, 0);
    kernel(&p, weights, bias, x, other, scratch);
    return memcmp(one, other, sizeof one) == 0;
}

static int input_error_agrees(input_error_of *kernel)
{
    et_depthwise_conv_2d p;
    et_clip clip = random_clip();
    random_square(&p);
    int32_t expected = et_depthwise_conv_2d_input_error(&p, weights, e, x, clip, one);
    int32_t got = kernel(&p, weights, e, x, clip, other, scratch);
    return got == expected && memcmp(one, other, sizeof one) == 0;
}

static int gradient_agrees(et_block_gradient form)
{
    et_depthwise_conv_2d p;
    random_square(&p);
    uint32_t first = below(p.out.channels), count = 1 + below(p.out.channels - first);
    int32_t centre = some_centre(p.quantization);
    for (uint32_t row = 0; row < count; row++) {
        et_depthwise_conv_2d_gradient(&p, first + row, e, x, centre, gradient + row * 10);
    }
    form(&p, first, count, e, x, centre, blocks, scratch);
    return memcmp(gradient, blocks, count * 10 * sizeof *blocks) == 0;
}

static int depthwise_conv_2d_forward(void)
{
    return forward_agrees(et_depthwise_conv_2d_dsp_forward);
}

static int depthwise_conv_2d_input_error(void)
{
    return input_error_agrees(et_depthwise_conv_2d_dsp_input_error);
}

static int depthwise_conv_2d_gradient(void)
{
    return gradient_agrees(et_depthwise_conv_2d_dsp_gradient);
}

static int depthwise_conv_2d_lines_forward(void)
{
    return forward_agrees(et_depthwise_conv_2d_lines_forward);
}

static int depthwise_conv_2d_lines_input_error(void)
{
    return input_error_agrees(et_depthwise_conv_2d_lines_input_error);
}

static int depthwise_conv_2d_lines_gradient(void)
{
    return gradient_agrees(et_depthwise_conv_2d_lines_gradient);
}

static et_fully_connected random_dense(uint32_t least_in, uint32_t least_out)
{
    et_fully_connected p = {between(least_in, 90), between(least_out, 40), {0}};
    p.quantization = random_quantization(p.in);
    if (below(4) == 0) {
        p.quantization.input_zero_point = below(2) ? 127 : -128;
    }
    return p;
}

typedef void dense_forward_of(const et_fully_connected *, const int8_t *, const int32_t *,
                              const int8_t *, int8_t *, void *);
typedef int32_t dense_input_error_of(const et_fully_connected *, const int8_t *, const int8_t *,
                                     const int8_t *, et_clip, int8_t *);

static int dense_forward_agrees(const et_fully_connected *p, dense_forward_of *kernel)
{
    et_fully_connected_forward(p, weights, bias, x, one, 0);
    kernel(p, weights, bias, x, other, 0);
    return memcmp(one, other, sizeof one) == 0;
}

static int dense_input_error_agrees(const et_fully_connected *p, dense_input_error_of *kernel)
{
    et_clip clip = random_clip();
    int32_t expected = et_fully_connected_input_error(p, weights, e, x, clip, one);
    int32_t got = kernel(p, weights, e, x, clip, other);
    return got == expected && memcmp(one, other, sizeof one) == 0;
}

static int fully_connected_forward(void)
{
    et_fully_connected p = random_dense(8, 4);
    return dense_forward_agrees(&p, et_fully_connected_dsp_forward);
}

static int fully_connected_input_error(void)
{
    et_fully_connected p = random_dense(8, 4);
    return dense_input_error_agrees(&p, et_fully_connected_dsp_input_error);
}

static int fully_connected_mve_forward(void)
{
    et_fully_connected p = random_dense(1, 1);
    return dense_forward_agrees(&p, et_fully_connected_mve_forward);
}

static int fully_connected_mve_input_error(void)
{
    et_fully_connected p = random_dense(1, 1);
    return dense_input_error_agrees(&p, et_fully_connected_mve_input_error);
}

static int error_scale(void)
{
    uint32_t positions = between(1, 60), channels = between(1, 64);
    et_quantization q = random_quantization(between(1, 90));
    memcpy(one, e, sizeof one);
    memcpy(other, e, sizeof other);
    int32_t expected = et_error_scale(one, positions, channels, &q);
    int32_t got = et_error_scale_dsp(other, positions, channels, &q);
    return got == expected && memcmp(one, other, sizeof one) == 0;
}

static int average_pool_2d_input_error(void)
{
    et_shape out = {between(1, 4), between(1, 4), between(1, 20)};
    et_window w = {between(1, 4), between(1, 4), 0, 0, 0, 0};
    et_pool_2d p = {{0}, out, w, -128, 127};
    et_clip clip = random_clip();
    p.window.stride_h = w.kernel_h;
    p.window.stride_w = w.kernel_w;
    p.in = (et_shape){(uint16_t)(out.height * w.kernel_h), (uint16_t)(out.width * w.kernel_w),
                      out.channels};
    int32_t expected = et_average_pool_2d_input_error(&p, e, x, clip, one);
    int32_t got = et_average_pool_2d_dsp_input_error(&p, e, x, clip, other);
    return got == expected && memcmp(one, other, sizeof one) == 0;
}

static et_term random_term(void)
{
    et_term term = {(int16_t)((int32_t)below(256) - 128), below(2) ? 1 : -1,
                    (int32_t)(0x40000000u + below(0x40000000u)), -(int32_t)below(4)};
    if (term.shift == 0) {
        term.multiplier = 0x40000000; /* a half is the most */
    }
    return term;
}

static int add_forward(void)
{
    uint32_t period = between(1, 50), times = between(1, 4);
    et_add p = {period * times, period, {random_term(), random_term()}, 0, 0, 0, -128, 127};
    p.multiplier = (int32_t)(0x40000000u + below(0x40000000u));
    p.shift = -(int32_t)between(17, 22);
    p.output_zero_point = (int16_t)((int32_t)below(256) - 128);
    et_add_forward(&p, x, e, one);
    et_add_dsp_forward(&p, x, e, other);
    return memcmp(one, other, sizeof one) == 0;
}

static int distances(void)
{
    uint32_t first = below(LARGEST - 64), sum = below(1u << 30), count = between(1, 16), all = sum;
    uint32_t from = below(2) ? 0x80808080u : 0;
    for (uint32_t i = 0; i < 4 * count; i++) {
        int32_t over = e[first + i] + 128 - (int32_t)(from & 0xFF);
        all += (uint32_t)(over < 0 ? -over : over);
    }
    for (uint32_t i = 0; i < count; i++) {
        sum = et_add_distances(et_load_word(e + first + 4 * i), from, sum);
    }
    return sum == all;
}

/* Sums down four rows or columns, of which ends may be empty. */
static int dot_4(void)
{
    uint32_t row_size = below(70), n = below(row_size + 1);
    int32_t zero_point = (int32_t)below(256) - 128, sums[4], expected[4];
    for (uint32_t k = 0; k < 4; k++) {
        sums[k] = expected[k] = bias[k];
        for (uint32_t i = 0; i < n; i++) {
            expected[k] += (x[i] - zero_point) * weights[k * row_size + i];
        }
    }
    et_dot_4(x, weights, row_size, n, zero_point, sums);
    return memcmp(sums, expected, sizeof sums) == 0;
}

static int dot_columns_4(void)
{
    uint32_t row_size = between(4, 70), rows = below(70);
    int32_t sums[4], expected[4];
    for (uint32_t k = 0; k < 4; k++) {
        sums[k] = expected[k] = bias[k];
        for (uint32_t i = 0; i < rows; i++) {
            expected[k] += e[i] * weights[i * row_size + k];
        }
    }
    et_dot_columns_4(e, weights, rows, row_size, sums);
    return memcmp(sums, expected, sizeof sums) == 0;
}

static int multiply_high(void)
{
    for (uint32_t i = 0; i < 64; i++) {
        int32_t a = (int32_t)(below(0xFFFFFFFFu) >> below(32)), b = (int32_t)below(0xFFFFFFFFu);
        int32_t expected = (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
        if (et_multiply_high(a, b) != expected ||
            et_multiply_high(-a, b) != (int32_t)((-(int64_t)a * b + (1 << 30)) >> 31)) {
            return 0;
        }
    }
    return 1;
}

/* Outputs that a core takes several of at once, against one by one. */
static int requantized(void)
{
    et_quantization q = random_quantization(between(1, 90));
    uint32_t first = below(20), n = between(1, 40);
    int32_t acc[40];
    for (uint32_t i = 0; i < n; i++) {
        acc[i] = (int32_t)below(1u << 20) - (1 << 19);
        int32_t value =
            et_multiply(acc[i] + bias[first + i], multiplier[first + i], shift[first + i]);
        one[first + i] = et_clamp(value + q.output_zero_point, q.activation_min, q.activation_max);
    }
    et_requantize(&q, first, n, bias, acc, other);
    return memcmp(one, other, sizeof one) == 0;
}

static const struct {
    const char *name;
    int (*agrees)(void);
} CASES[] = {
    {"conv_2d_forward", conv_2d_forward},
    {"conv_2d_input_error", conv_2d_input_error},
    {"conv_2d_gradient", conv_2d_gradient},
    {"depthwise_conv_2d_forward", depthwise_conv_2d_forward},
    {"depthwise_conv_2d_input_error", depthwise_conv_2d_input_error},
    {"depthwise_conv_2d_gradient", depthwise_conv_2d_gradient},
    {"depthwise_conv_2d_lines_forward", depthwise_conv_2d_lines_forward},
    {"depthwise_conv_2d_lines_input_error", depthwise_conv_2d_lines_input_error},
    {"depthwise_conv_2d_lines_gradient", depthwise_conv_2d_lines_gradient},
    {"fully_connected_forward", fully_connected_forward},
    {"fully_connected_input_error", fully_connected_input_error},
    {"fully_connected_mve_forward", fully_connected_mve_forward},
    {"fully_connected_mve_input_error", fully_connected_mve_input_error},
    {"requantized", requantized},
    {"error_scale", error_scale},
    {"average_pool_2d_input_error", average_pool_2d_input_error},
    {"add_forward", add_forward},
    {"distances", distances},
    {"dot_4", dot_4},
    {"dot_columns_4", dot_columns_4},
    {"multiply_high", multiply_high},
};

int main(void)
{
    const char *found = "equal";
    port_start();
    for (uint32_t i = 0; i < ROUNDS; i++) {
        for (uint32_t k = 0; k < sizeof CASES / sizeof *CASES; k++) {
            randomize_all();
            found = CASES[k].agrees() ? found : CASES[k].name;
        }
    }
    port_tx((const uint8_t *)found, (uint32_t)strlen(found));
    port_tx((const uint8_t *)"\n", 1);
    for (;;) {
    }
}
