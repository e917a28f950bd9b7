/* What the DSP kernels of depthwise 3x3 windows share: four channels at a time are taken apart
 * into planes of halves, one a channel, with the padding written out.
 *
 * Outputs are walked in lines along the longer side, and in patches of a few lines.  Two outputs
 * side by side, 2 j and 2 j + 1, read words j and j + 1 of a plane's line:
 *
 *     word j      word j + 1
 *     | t0 t1 |   | t2 t3 |      output 2 j: t0 t1 t2, output 2 j + 1: t1 t2 t3
 */
#ifndef ET_PLANES_DSP_H
#define ET_PLANES_DSP_H

#include "dsp.h"
#include "operators.h"

#define ET_PLANE_LINE 18  /* words: kernels have it in the offsets of their loads */
#define ET_PLANE_PAIRS 17 /* of outputs */
#define ET_PLANE_LINES 12 /* of outputs, whose windows reach over two more */

/* Windows of 3x3 over data, in lines.  From position to position along a line, and from line to
 * line: steps in data and in the outputs.  before: cells of padding. */
typedef struct {
    const int8_t *data;
    int32_t length, lines;         /* of data */
    int32_t outputs, output_lines; /* length and number of the outputs' */
    int32_t data_step, data_line, output_step, output_line;
    int32_t before, before_lines;
    int32_t tap_step, tap_line; /* in a kernel of [3][3], in taps */
    int32_t plane;              /* words of one channel's */
    int32_t outside, origin;    /* what the padding holds, what all count from */
    uint32_t *planes;
} et_planes;

/* in: of data, with the windows' padding before it, which holds the value outside; out: of the
 * outputs.  All count from that value on. */
et_planes et_planes_of(const int8_t *data, et_shape in, et_shape out, int32_t pad_h, int32_t pad_w,
                       int32_t outside, uint32_t *planes);

/* Outputs from .. from + 2 * pairs - 1, or one less, of lines first .. first + lines - 1. */
typedef struct {
    int32_t from, count, pairs, first, lines;
} et_patch;

/* The number-th patch; 0 where there is none. */
int et_patch_at(const et_planes *p, int32_t number, et_patch *patch);

/* The four channels from c on of what a patch's windows read. */
void et_fill_planes(const et_planes *p, const et_patch *patch, int32_t c);

/* A channel's kernel as a line's outputs take it, times factor: of each of three lines taps
 * (0, 1) and (1, 2).  weights: of the channel, from tap to tap channels apart; flipped: from the
 * last tap to the first. */
void et_plane_weights(const et_planes *p, const int8_t *weights, int32_t channels, int32_t factor,
                      int32_t flipped, uint32_t *words);

/* The first channel of the c-th four: the last ones reach back where channels do not divide. */
static inline int32_t et_four_from(int32_t c, int32_t channels)
{
    return c + 4 > channels ? channels - 4 : c;
}

#ifdef ET_DSP_LOOPS

/* Of three lines with a kernel's words in r4 to r9: two outputs are added to r10 and r11, and line
 * goes on to the next pair. */
#define ET_PLANE_TAPS(at, w01, w12)                                                               \
    "ldrd r12, lr, [%[line]" at "\n\t"                                                            \
    "smlad r10, r12, " w01 ", r10\n\tsmlatb r11, r12, " w01 ", r11\n\t"                           \
    "smlabt r10, lr, " w12 ", r10\n\tsmlad r11, lr, " w12 ", r11\n\t"
#define ET_PLANE_PAIR                                                                             \
    ET_PLANE_TAPS("], #4", "r4", "r5")                                                            \
    ET_PLANE_TAPS(", #68]", "r6", "r7") ET_PLANE_TAPS(", #140]", "r8", "r9")

#else

/* Two outputs' sums. */
static inline void et_plane_pair(const uint32_t *line, const uint32_t *words, int32_t *sums)
{
    sums[0] = sums[1] = 0;
    for (int32_t i = 0; i < 3; i++, line += ET_PLANE_LINE, words += 2) {
        uint32_t t12 = et_low_halves(line[0] >> 16, line[1]);
        uint32_t t2 = line[1] & 0xFFFF, t3 = line[1] >> 16;
        sums[0] = et_mac_halves(line[0], words[0], sums[0]);
        sums[0] = et_mac_halves(t2, words[1] >> 16, sums[0]);
        sums[1] = et_mac_halves(t12, words[0], sums[1]);
        sums[1] = et_mac_halves(t3, words[1] >> 16, sums[1]);
    }
}

#endif

/* Sums of two outputs for each of pairs pairs: sums[0] .. sums[2 * pairs - 1]. */
void et_plane_sums(const uint32_t *line, const uint32_t *words, int32_t pairs, int32_t *sums);

#endif
