/* The gradient of DEPTHWISE_CONV_2D by the DSP extension: nine sums a channel over the planes of
 * its inputs. */
#include "depthwise_conv_2d_gradient_dsp.h"

#include "operators.h"
#include "pairs_dsp.h"
#include "planes_dsp.h"

/* Nine sums stay in r3 to r11, of three taps for each of three lines.  For each pair of outputs
 *
 *     e0 e1                      one LDR
 *     t0 t1, t2 t3               one LDRD a line
 *     tap 0 += t0 e0 + t1 e1     SMLAD
 *     tap 1 += t1 e0, + t2 e1    SMLATB, SMLABT
 *     tap 2 += t2 e0 + t3 e1     SMLAD
 */
#ifdef ET_DSP_LOOPS

#define LINE(at, tap0, tap1, tap2)                                                                \
    "ldrd r12, lr, [%[x]" at "\n\t"                                                               \
    "smlad " tap0 ", r12, r0, " tap0 "\n\tsmlatb " tap1 ", r12, r0, " tap1 "\n\t"                 \
    "smlad " tap2 ", lr, r0, " tap2 "\n\tsmlabt " tap1 ", lr, r0, " tap1 "\n\t"

static void sum_line(int32_t *sums, const uint32_t *x, const uint32_t *e, int32_t pairs)
{
    const uint32_t *end = e + pairs;
    __asm__ volatile("ldr r0, %[sums]\n\t"
                     "ldm r0, {r3-r11}\n"
                     "1:\n\t"
                     "ldr r0, [%[e]], #4\n\t" LINE("], #4", "r3", "r4", "r5")
                         LINE(", #68]", "r6", "r7", "r8")
                             LINE(", #140]", "r9", "r10", "r11") "ldr r0, %[end]\n\t"
                                                                 "cmp %[e], r0\n\t"
                                                                 "bne 1b\n\t"
                                                                 "ldr r0, %[sums]\n\t"
                                                                 "stm r0, {r3-r11}"
                     : [x] "+&r"(x), [e] "+&r"(e)
                     : [sums] "m"(sums), [end] "m"(end)
                     : "r0", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr",
                       "cc", "memory");
}

#else

static void sum_line(int32_t *sums, const uint32_t *x, const uint32_t *e, int32_t pairs)
{
    for (; pairs; pairs--, x++, e++) {
        for (int32_t i = 0; i < 3; i++) {
            const uint32_t *line = x + i * ET_PLANE_LINE;
            uint32_t t12 = et_low_halves(line[0] >> 16, line[1]);
            sums[3 * i] = et_mac_halves(line[0], *e, sums[3 * i]);
            sums[3 * i + 1] = et_mac_halves(t12, *e, sums[3 * i + 1]);
            sums[3 * i + 2] = et_mac_halves(line[1], *e, sums[3 * i + 2]);
        }
    }
}

#endif

typedef struct {
    et_planes planes;
    const int8_t *e;
    uint32_t *e_pairs;   /* of four channels, a line each */
    int32_t sums[4][10]; /* of each channel nine taps in the planes' order, then its errors */
} four_gradients;

static void sum_errors(four_gradients *f, int32_t pairs)
{
    for (int32_t c = 0; c < 4; c++) {
        const uint32_t *e = f->e_pairs + c * ET_PLANE_LINE;
        int32_t sum = f->sums[c][9];
        for (const uint32_t *end = e + pairs; e != end; e++) {
            sum = et_mac_halves(*e, 0x10001, sum);
        }
        f->sums[c][9] = sum;
    }
}

static void sum_patch(four_gradients *f, const et_patch *patch, int32_t first)
{
    const et_planes *p = &f->planes;
    et_range all = {0, patch->count};
    et_pair_target to = {f->e_pairs, ET_PLANE_LINE, 1, 0, 0};
    for (int32_t line = 0; line < patch->lines; line++) {
        int32_t at = (patch->first + line) * p->output_line + patch->from * p->output_step;
        et_pair_line(f->e + at + first, p->output_step, all, patch->pairs, &to);
        sum_errors(f, patch->pairs);
        for (int32_t c = 0; c < 4; c++) {
            sum_line(f->sums[c], p->planes + c * p->plane + line * ET_PLANE_LINE,
                     f->e_pairs + c * ET_PLANE_LINE, patch->pairs);
        }
    }
}

static void sum_four(four_gradients *f, int32_t first)
{
    et_patch patch;
    for (int32_t c = 0; c < 4; c++) {
        for (int32_t i = 0; i < 10; i++) {
            f->sums[c][i] = 0;
        }
    }
    for (int32_t i = 0; et_patch_at(&f->planes, i, &patch); i++) {
        et_fill_planes(&f->planes, &patch, first);
        sum_patch(f, &patch, first);
    }
}

static void put_row(const four_gradients *f, const int32_t *sums, int32_t *gradient)
{
    const et_planes *p = &f->planes;
    for (int32_t i = 0; i < 9; i++) {
        gradient[i / 3 * p->tap_line + i % 3 * p->tap_step] = sums[i];
    }
    gradient[9] = ET_BIAS_INPUT * sums[9];
}

void et_depthwise_conv_2d_dsp_gradient(const void *layer, uint32_t first, uint32_t count,
                                       const int8_t *e, const int8_t *x, int32_t centre,
                                       int32_t *gradient, void *scratch)
{
    const et_depthwise_conv_2d *p = layer;
    int32_t channels = p->out.channels, from = (int32_t)first, to = from + (int32_t)count;
    four_gradients f = {.planes = et_planes_of(x, p->in, p->out, p->window.pad_h, p->window.pad_w,
                                               p->quantization.input_zero_point, scratch),
                        .e = e};
    f.planes.origin += centre;
    f.e_pairs = f.planes.planes + 4 * f.planes.plane;
    for (int32_t c = from; c < to; c += 4) {
        int32_t four = et_four_from(c, channels);
        sum_four(&f, four);
        for (int32_t row = c; row < et_min(c + 4, to); row++) {
            put_row(&f, f.sums[row - four], gradient + (row - from) * 10);
        }
    }
}
