#include "planes_dsp.h"

#include "pairs_dsp.h"
#include "window.h"

et_planes et_planes_of(const int8_t *data, et_shape in, et_shape out, int32_t pad_h, int32_t pad_w,
                       int32_t outside, uint32_t *planes)
{
    int32_t channels = in.channels, in_row = in.width * channels, out_row = out.width * channels;
    int32_t upright = out.height >= out.width;
    et_planes p = {data,   in.width, in.height, out.width, out.height, channels,
                   in_row, channels, out_row,   pad_w,     pad_h,      1,
                   3,      0,        outside,   outside,   planes};
    if (upright) {
        et_planes turned = {data,     in.height, in.width, out.height, out.width, in_row,
                            channels, out_row,   channels, pad_h,      pad_w,     3,
                            1,        0,         outside,  outside,    planes};
        p = turned;
    }
    p.plane = ET_PLANE_LINE * (et_min(ET_PLANE_LINES, p.output_lines) + 2);
    return p;
}

int et_patch_at(const et_planes *p, int32_t number, et_patch *patch)
{
    int32_t across = (p->outputs + 2 * ET_PLANE_PAIRS - 1) / (2 * ET_PLANE_PAIRS);
    patch->from = number % across * 2 * ET_PLANE_PAIRS;
    patch->first = number / across * ET_PLANE_LINES;
    patch->count = et_min(2 * ET_PLANE_PAIRS, p->outputs - patch->from);
    patch->pairs = (patch->count + 1) / 2;
    patch->lines = et_min(ET_PLANE_LINES, p->output_lines - patch->first);
    return patch->lines > 0;
}

void et_fill_planes(const et_planes *p, const et_patch *patch, int32_t c)
{
    int32_t start = patch->from - p->before, cells = 2 * patch->pairs + 2;
    et_range all = {et_min(cells, et_max(0, -start)), et_max(0, et_min(cells, p->length - start))};
    et_range none = {0, 0};
    et_pair_target to = {p->planes, p->plane, 1, et_pair_offset(p->origin),
                         et_four_bytes(p->outside)};
    for (int32_t i = 0; i < patch->lines + 2; i++, to.pairs += ET_PLANE_LINE) {
        int32_t line = patch->first + i - p->before_lines;
        int32_t exists = line >= 0 && line < p->lines;
        const int8_t *values = p->data + line * p->data_line + start * p->data_step + c;
        et_pair_line(values, p->data_step, exists ? all : none, patch->pairs + 1, &to);
    }
}

static uint32_t pair(int32_t low, int32_t high)
{
    return et_low_halves((uint32_t)low, (uint32_t)high);
}

void et_plane_weights(const et_planes *p, const int8_t *weights, int32_t channels, int32_t factor,
                      int32_t flipped, uint32_t *words)
{
    int32_t sign = flipped ? -channels : channels, step = p->tap_step * sign;
    const int8_t *w = flipped ? weights + 8 * channels : weights;
    for (int32_t i = 0; i < 3; i++, w += p->tap_line * sign, words += 2) {
        int32_t tap0 = factor * w[0], tap1 = factor * w[step], tap2 = factor * w[2 * step];
        words[0] = pair(tap0, tap1);
        words[1] = pair(tap1, tap2);
    }
}

/* Six words of weights stay in r4 to r9.  For each pair of outputs and each of three lines
 *
 *     t0 t1, t2 t3               one LDRD
 *     output 0 += t0 w0 + t1 w1  SMLAD  by (w0, w1)
 *     output 0 += t2 w2          SMLABT by (w1, w2)
 *     output 1 += t1 w0          SMLATB by (w0, w1)
 *     output 1 += t2 w1 + t3 w2  SMLAD  by (w1, w2)
 */
#ifdef ET_DSP_LOOPS

void et_plane_sums(const uint32_t *line, const uint32_t *words, int32_t pairs, int32_t *sums)
{
    const uint32_t *end = line + pairs;
    __asm__ volatile("ldm %[words], {r4-r9}\n"
                     "1:\n\t"
                     "mov r10, #0\n\t"
                     "mov r11, #0\n\t" ET_PLANE_PAIR "strd r10, r11, [%[sums]], #8\n\t"
                     "cmp %[line], %[end]\n\t"
                     "bne 1b"
                     : [line] "+&r"(line), [sums] "+&r"(sums)
                     : [words] "r"(words), [end] "r"(end)
                     : "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc",
                       "memory");
}

#else

void et_plane_sums(const uint32_t *line, const uint32_t *words, int32_t pairs, int32_t *sums)
{
    for (; pairs; pairs--, line++, sums += 2) {
        et_plane_pair(line, words, sums);
    }
}

#endif
