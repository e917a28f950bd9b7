/* DEPTHWISE_CONV_2D by the DSP extension: four channels at a time, each a plane of its own. */
#include "depthwise_conv_2d_dsp.h"

#include <string.h>

#include "error_words.h"
#include "planes_dsp.h"
#include "requantize_dsp.h"

/* -- forward ------------------------------------------------------------------------------ */

/* One channel of one line: its kernel, and how its sums become outputs step apart. */
typedef struct {
    uint32_t words[6];
    int32_t multiplier, shift, step, zero_point, bias;
} channel_line;

/* count outputs: sums as in planes_dsp.c, of which requantize_dsp.h makes two.  The second one
 * behind an odd end is stored where the first one is, and before it. */
#ifdef ET_DSP_LOOPS

#define TWO_OUTPUTS                                                                               \
    "ldr r10, %[bias]\n\t"                                                                        \
    "mov r11, r10\n\t" ET_PLANE_PAIR "ldrd r12, lr, %[scale]\n\t"                                 \
    "smmulr r10, r10, r12\n\tsmmulr r11, r11, r12\n\t"                                            \
    "add r10, r10, r10, asr #31\n\tadd r11, r11, r11, asr #31\n\t"                                \
    "asr r10, r10, lr\n\tasr r11, r11, lr\n\t"                                                    \
    "ldrd r12, lr, %[place]\n\t"                                                                  \
    "add r10, r10, lr\n\tadd r11, r11, lr\n\t"                                                    \
    "ssat r10, #8, r10, asr #1\n\tssat r11, #8, r11, asr #1\n\t"

static void put_line(const channel_line *c, const uint32_t *line, int32_t count, int8_t *y)
{
    const uint32_t *end = line + count / 2;
    struct {
        int32_t first, second;
    } scale = {c->multiplier, c->shift}, place = {c->step, c->zero_point};
    int32_t bias = c->bias, odd = count & 1;
    __asm__ volatile(
        "ldm %[words], {r4-r9}\n\t"
        "b 2f\n"
        "1:\n\t" TWO_OUTPUTS "strb r11, [%[y], r12]\n\t"
        "strb r10, [%[y]]\n\t"
        "add %[y], %[y], r12, lsl #1\n"
        "2:\n\t"
        "cmp %[line], %[end]\n\t"
        "bne 1b\n\t"
        "ldr r10, %[odd]\n\t"
        "cmp r10, #0\n\t"
        "beq 3f\n\t"
        "mov r10, #0\n\t" /* once more, without a step to the second */
        "str r10, %[odd]\n\t"
        "str r10, %[place]\n\t"
        "add %[end], %[end], #4\n\t"
        "b 1b\n"
        "3:"
        : [line] "+&r"(line), [y] "+&r"(y), [end] "+&r"(end), [odd] "+m"(odd), [place] "+m"(place)
        : [words] "r"(c->words), [scale] "m"(scale), [bias] "m"(bias)
        : "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");
}

#else

static void put_line(const channel_line *c, const uint32_t *line, int32_t count, int8_t *y)
{
    for (; count > 0; count -= 2, line++, y += 2 * c->step) {
        int32_t sums[2];
        et_plane_pair(line, c->words, sums);
        y[0] = (int8_t)et_output(sums[0] + c->bias, c->multiplier, c->shift, c->zero_point);
        if (count > 1) {
            y[c->step] =
                (int8_t)et_output(sums[1] + c->bias, c->multiplier, c->shift, c->zero_point);
        }
    }
}

#endif

typedef struct {
    const et_planes *planes;
    const et_outputs_4 *outputs;
    channel_line channels[4];
    int32_t *sums; /* of four channels' lines, where outputs are not doubled */
    int8_t *y;     /* of the first position, the first of the four */
} four_channels;

static void put_doubled(const four_channels *f, const et_patch *patch, int32_t line, int8_t *y)
{
    const et_planes *p = f->planes;
    for (int32_t c = 0; c < 4; c++) {
        const uint32_t *words = p->planes + c * p->plane + line * ET_PLANE_LINE;
        put_line(&f->channels[c], words, patch->count, y + c);
    }
    for (int32_t i = 0; i < patch->count && f->outputs->narrow; i++) {
        et_outputs_narrow(f->outputs, y + i * p->output_step);
    }
}

static void put_any(const four_channels *f, const et_patch *patch, int32_t line, int8_t *y)
{
    const et_planes *p = f->planes;
    for (int32_t c = 0; c < 4; c++) {
        const uint32_t *words = p->planes + c * p->plane + line * ET_PLANE_LINE;
        et_plane_sums(words, f->channels[c].words, patch->pairs, f->sums + c * 2 * ET_PLANE_PAIRS);
    }
    for (int32_t i = 0; i < patch->count; i++, y += p->output_step) {
        int32_t sums[4];
        for (int32_t c = 0; c < 4; c++) {
            sums[c] = f->sums[c * 2 * ET_PLANE_PAIRS + i] + f->outputs->bias[c];
        }
        et_outputs_put_any(f->outputs, sums, y);
    }
}

static void forward_patch(const four_channels *f, const et_patch *patch)
{
    const et_planes *p = f->planes;
    for (int32_t line = 0; line < patch->lines; line++) {
        int8_t *y = f->y + (patch->first + line) * p->output_line + patch->from * p->output_step;
        if (f->outputs->doubled) {
            put_doubled(f, patch, line, y);
        } else {
            put_any(f, patch, line, y);
        }
    }
}

static void set_channels(four_channels *f, const int8_t *weights, int32_t channels)
{
    const et_outputs_4 *outputs = f->outputs;
    for (int32_t c = 0; c < 4; c++) {
        channel_line *line = &f->channels[c];
        et_plane_weights(f->planes, weights + c, channels, outputs->doubled ? 2 : 1, 0,
                         line->words);
        line->multiplier = outputs->channel[c].multiplier;
        line->shift = outputs->channel[c].shift;
        line->zero_point = outputs->zero_point;
        line->bias = outputs->bias[c];
        line->step = f->planes->output_step;
    }
}

void et_depthwise_conv_2d_dsp_forward(const et_depthwise_conv_2d *p, const int8_t *weights,
                                      const int32_t *bias, const int8_t *x, int8_t *y,
                                      void *scratch)
{
    const et_quantization *q = &p->quantization;
    et_planes planes = et_planes_of(x, p->in, p->out, p->window.pad_h, p->window.pad_w,
                                    q->input_zero_point, scratch);
    int32_t channels = p->out.channels;
    for (int32_t c = 0; c < channels; c += 4) {
        int32_t first = et_four_from(c, channels);
        et_outputs_4 outputs = et_outputs_of(q, bias, (uint32_t)first, 4, 9, 1);
        four_channels f = {.planes = &planes,
                           .outputs = &outputs,
                           .sums = (int32_t *)(planes.planes + 4 * planes.plane),
                           .y = y + first};
        et_patch patch;
        set_channels(&f, weights + first, channels);
        for (int32_t i = 0; et_patch_at(&planes, i, &patch); i++) {
            et_fill_planes(&planes, &patch, first);
            forward_patch(&f, &patch);
        }
    }
}

/* -- input error: the errors' windows under the kernel from its last tap to its first --------- */

typedef struct {
    const et_planes *planes;
    et_error_words *block;
    const int8_t *x;
    uint32_t words[4][6];
    int32_t *sums;
    int32_t first; /* of the four channels */
} four_errors;

static void sum_line(const four_errors *f, const et_patch *patch, int32_t line)
{
    const et_planes *p = f->planes;
    for (int32_t c = 0; c < 4; c++) {
        const uint32_t *words = p->planes + c * p->plane + line * ET_PLANE_LINE;
        et_plane_sums(words, f->words[c], patch->pairs, f->sums + c * 2 * ET_PLANE_PAIRS);
    }
}

static int32_t line_at(const four_errors *f, const et_patch *patch, int32_t line)
{
    const et_planes *p = f->planes;
    return (patch->first + line) * p->output_line + patch->from * p->output_step + f->first;
}

static void error_patch(const four_errors *f, const et_patch *patch)
{
    int32_t step = f->planes->output_step;
    et_error_words block = *f->block; /* in registers */
    for (int32_t line = 0; line < patch->lines; line++) {
        int32_t at = line_at(f, patch, line);
        const int32_t *sums = f->sums;
        const int8_t *x = f->x + at;
        int8_t *e_in = block.start + at;
        sum_line(f, patch, line);
        for (const int32_t *end = sums + patch->count; sums != end; sums++) {
            et_error_words_put(&block, sums[0], sums[2 * ET_PLANE_PAIRS], sums[4 * ET_PLANE_PAIRS],
                               sums[6 * ET_PLANE_PAIRS], x, e_in);
            x += step;
            e_in += step;
        }
    }
    *f->block = block;
}

/* Sets out with the shift that the first patch's middle line needs, before any is written. */
static void foretell_shift(const four_errors *f, const et_patch *patch)
{
    int8_t *end = f->block->end;
    int32_t line = patch->lines / 2;
    const int8_t *x = f->x + line_at(f, patch, line);
    const int32_t *sums = f->sums;
    f->block->end = f->block->start;
    sum_line(f, patch, line);
    for (int32_t i = 0; i < patch->count; i++, sums++, x += f->planes->output_step) {
        int32_t acc[4] = {sums[0], sums[2 * ET_PLANE_PAIRS], sums[4 * ET_PLANE_PAIRS],
                          sums[6 * ET_PLANE_PAIRS]};
        et_error_words_grow(f->block, acc, x, 4);
    }
    f->block->end = end;
}

int32_t et_depthwise_conv_2d_dsp_input_error(const et_depthwise_conv_2d *p, const int8_t *weights,
                                             const int8_t *e, const int8_t *x, et_clip clip,
                                             int8_t *e_in, void *scratch)
{
    int32_t channels = p->in.channels;
    uint32_t size = (uint32_t)p->in.height * p->in.width * p->in.channels;
    if (!et_error_passes(clip)) {
        memset(e_in, 0, size);
        return 0;
    }
    et_error_words block = et_error_words_open(e_in, size, clip);
    et_planes planes =
        et_planes_of(e, p->out, p->in, 2 - p->window.pad_h, 2 - p->window.pad_w, 0, scratch);
    four_errors f = {.planes = &planes,
                     .block = &block,
                     .x = x,
                     .sums = (int32_t *)(planes.planes + 4 * planes.plane)};
    for (int32_t c = 0; c < channels; c += 4) {
        et_patch patch;
        f.first = et_four_from(c, channels);
        for (int32_t k = 0; k < 4; k++) {
            et_plane_weights(&planes, weights + f.first + k, channels, 1, 1, f.words[k]);
        }
        for (int32_t i = 0; et_patch_at(&planes, i, &patch); i++) {
            et_fill_planes(&planes, &patch, f.first);
            if (!c && !i) {
                foretell_shift(&f, &patch);
            }
            error_patch(&f, &patch);
        }
    }
    return (int32_t)block.shift;
}
