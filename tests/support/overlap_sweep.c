/* Kernels that write over what they read, against the same with buffers of their own: the cases of
 * overlap_cases.h, on the core itself.  Sends how many differ, the first one's name behind it, and
 * a line's end. */
#include <string.h>

#include "add_dsp.h"
#include "average_pool_2d_dsp.h"
#include "depthwise_conv_2d_dsp.h"
#include "depthwise_conv_2d_lines.h"
#include "operators.h"
#include "port.h"

#define LARGEST 4096
#define CHANNELS 32

/* What a case reads where it writes. */
enum { OVER_X, OVER_X1, OVER_E };

typedef struct {
    const char *kernel;
    et_shape in, out;
    et_window window;
    uint16_t multiplicity, over;
    uint32_t distance; /* from what is written to what is read */
} overlap_case;

#include "overlap_cases.h"

static uint32_t state = 1;
static int8_t weights[LARGEST], x[LARGEST], x1[LARGEST], e[LARGEST], apart[LARGEST];
static int64_t place[2 * LARGEST / 8], scratch[2 * LARGEST / 8];
static int32_t bias[CHANNELS], multiplier[CHANNELS];
static int8_t shift[CHANNELS];
static int16_t slopes[256];

void et_rx_byte(uint8_t byte)
{
    (void)byte;
}

static int32_t below(uint32_t n)
{
    state = state * 1664525u + 1013904223u;
    return (int32_t)((uint64_t)state * n >> 32);
}

static void randomize(int8_t *values, int32_t least)
{
    for (uint32_t i = 0; i < LARGEST; i++) {
        values[i] = (int8_t)(below((uint32_t)(128 - least)) + least);
    }
}

static void randomize_all(void)
{
    randomize(weights, -128);
    randomize(x, -128);
    randomize(x1, -128);
    randomize(e, -127);
    for (uint32_t c = 0; c < CHANNELS; c++) {
        multiplier[c] = 0x40000000 + below(0x40000000u);
        shift[c] = (int8_t)(-6 - below(3));
        bias[c] = below(4000) - 2000;
    }
    for (uint32_t i = 0; i < 256; i++) {
        slopes[i] = (int16_t)(below(60000) - 30000);
    }
    memset(apart, 99, sizeof apart);
    memset(place, 99, sizeof place);
}

static uint32_t size_of(et_shape shape)
{
    return (uint32_t)shape.height * shape.width * shape.channels;
}

static int is(const overlap_case *c, const char *kernel)
{
    return strcmp(c->kernel, kernel) == 0;
}

/* One call of what goes value by value; 0 where it is none of those below. */
static int call_by_value(const overlap_case *c, const int8_t *xs, const int8_t *others,
                         const int8_t *es, int8_t *to)
{
    uint32_t n = size_of(c->in);
    et_term one = {3, 1, 1 << 30, -1}, other = {-7, -1, 1 << 30, 0};
    et_add add = {n, n, {one, other}, 1 << 30, -18, 4, -120, 127};
    et_mul mul = {n, n, {3, -9}, 1 << 30, -6, 4, -120, 127};
    et_squared_difference squared = {n, {one, other}, 1 << 30, -21, -100};
    et_extreme extreme = {n, 1};
    et_prelu prelu = {n, 11, 1 << 30, 0, 1 << 30, -6, 3, -4, 2, 20000, weights, slopes};
    et_clip clip = {-60, 100};
    if (is(c, "et_add_forward")) {
        et_add_forward(&add, xs, others, to);
    } else if (is(c, "et_add_dsp_forward")) {
        et_add_dsp_forward(&add, xs, others, to);
    } else if (is(c, "et_mul_forward")) {
        et_mul_forward(&mul, xs, others, to);
    } else if (is(c, "et_lookup_forward")) {
        et_lookup_forward(weights, n, xs, to);
    } else if (is(c, "et_prelu_forward")) {
        et_prelu_forward(&prelu, xs, to);
    } else if (is(c, "et_extreme_forward")) {
        et_extreme_forward(&extreme, xs, others, to);
    } else if (is(c, "et_squared_difference_forward")) {
        et_squared_difference_forward(&squared, xs, others, to);
    } else if (is(c, "et_add_input_error")) {
        et_add_input_error(&add, 1, es, xs, clip, to);
    } else if (is(c, "et_mul_input_error")) {
        et_mul_input_error(&mul, 0, es, xs, others, clip, to);
    } else if (is(c, "et_lookup_input_error")) {
        et_lookup_input_error(slopes, n, es, xs, clip, to);
    } else if (is(c, "et_prelu_input_error")) {
        et_prelu_input_error(&prelu, es, xs, clip, to);
    } else if (is(c, "et_extreme_input_error")) {
        et_extreme_input_error(&extreme, 1, es, xs, others, clip, to);
    } else if (is(c, "et_squared_difference_input_error")) {
        et_squared_difference_input_error(&squared, 0, es, xs, others, clip, to);
    } else {
        return 0;
    }
    return 1;
}

/* One call; 0 where it is none of those here or above. */
static int call(const overlap_case *c, const int8_t *xs, const int8_t *others, const int8_t *es,
                int8_t *to)
{
    et_quantization q = {3, -5, -100, 127, multiplier, shift};
    et_conv_2d conv = {c->in, c->out, c->window, q};
    et_depthwise_conv_2d depthwise = {c->in, c->out, c->window, q, c->multiplicity};
    et_pool_2d pool = {c->in, c->out, c->window, -100, 120};
    et_clip clip = {-60, 100};
    if (is(c, "et_conv_2d_forward")) {
        et_conv_2d_forward(&conv, weights, bias, xs, to, 0);
    } else if (is(c, "et_depthwise_conv_2d_forward")) {
        et_depthwise_conv_2d_forward(&depthwise, weights, bias, xs, to, 0);
    } else if (is(c, "et_depthwise_conv_2d_dsp_forward")) {
        et_depthwise_conv_2d_dsp_forward(&depthwise, weights, bias, xs, to, scratch);
    } else if (is(c, "et_depthwise_conv_2d_lines_forward")) {
        et_depthwise_conv_2d_lines_forward(&depthwise, weights, bias, xs, to, scratch);
    } else if (is(c, "et_max_pool_2d_forward")) {
        et_max_pool_2d_forward(&pool, xs, to);
    } else if (is(c, "et_average_pool_2d_forward")) {
        et_average_pool_2d_forward(&pool, xs, to);
    } else if (is(c, "et_conv_2d_input_error")) {
        et_conv_2d_input_error(&conv, weights, es, xs, clip, to);
    } else if (is(c, "et_depthwise_conv_2d_input_error")) {
        et_depthwise_conv_2d_input_error(&depthwise, weights, es, xs, clip, to);
    } else if (is(c, "et_average_pool_2d_input_error")) {
        et_average_pool_2d_input_error(&pool, es, xs, clip, to);
    } else if (is(c, "et_average_pool_2d_dsp_input_error")) {
        et_average_pool_2d_dsp_input_error(&pool, es, xs, clip, to);
    } else {
        return call_by_value(c, xs, others, es, to);
    }
    return 1;
}

static int agrees(const overlap_case *c)
{
    int8_t *to = (int8_t *)place, *read = to + c->distance;
    int backward = strstr(c->kernel, "_error") != 0;
    uint32_t written = size_of(backward ? c->in : c->out);
    randomize_all();
    if (!call(c, x, x1, e, apart)) {
        return 0;
    }
    memcpy(read,
           c->over == OVER_E   ? e
           : c->over == OVER_X ? x
                               : x1,
           size_of(c->over == OVER_E ? c->out : c->in));
    call(c, c->over == OVER_X ? read : x, c->over == OVER_X1 ? read : x1,
         c->over == OVER_E ? read : e, to);
    return memcmp(apart, to, written) == 0;
}

int main(void)
{
    const char *first = "none";
    uint32_t differ = 0;
    port_start();
    for (uint32_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        if (!agrees(&CASES[i])) {
            first = differ++ ? first : CASES[i].kernel;
        }
    }
    uint8_t digits[] = {(uint8_t)('0' + differ / 100 % 10), (uint8_t)('0' + differ / 10 % 10),
                        (uint8_t)('0' + differ % 10), ' '};
    port_tx(digits, sizeof digits);
    port_tx((const uint8_t *)first, (uint32_t)strlen(first));
    port_tx((const uint8_t *)"\n", 1);
    for (;;) {
    }
}
