/* Lines of positions as pairs of halves: the gradients' operands.  The halves of a pair are two
 * neighbours on a line, so that one SMLAD sums over both. */
#ifndef ET_PAIRS_DSP_H
#define ET_PAIRS_DSP_H

#include "dsp.h"
#include "window.h"

/* Where the pairs go: that of value k (0 to 3) and pair j to pairs[k * lane + j * step]. */
typedef struct {
    uint32_t *pairs;
    int32_t lane, step;
} et_pair_target;

ET_DSP_INLINE void et_put_pairs(et_pair_target to, int32_t j, uint32_t first, uint32_t second,
                                uint32_t offset)
{
    uint32_t *out = to.pairs + j * to.step;
    uint32_t low = et_low_halves(first, second), high = et_high_halves(first, second);
    out[0] = et_bytes_02_plus(offset, low);
    out[to.lane] = et_bytes_13_plus(offset, low);
    out[2 * to.lane] = et_bytes_02_plus(offset, high);
    out[3 * to.lane] = et_bytes_13_plus(offset, high);
}

/* Four bytes side by side at each of count positions, step apart, of which those inside exist;
 * values is where the first one would lie.  offset, twice a half, is added to all but those
 * outside, which are 0. */
ET_DSP_INLINE void et_pair_line(const int8_t *values, int32_t step, et_range inside, int32_t pairs,
                                uint32_t offset, et_pair_target to)
{
    uint32_t none = et_four_bytes(-(int16_t)(offset & 0xFFFF)); /* 0 with the offset added */
    int32_t j = 0;
    if (inside.from >= inside.to) {
        inside.from = inside.to = 0;
    }
    for (; j < inside.from / 2; j++) {
        et_put_pairs(to, j, 0, 0, 0);
    }
    values += inside.from * step;
    if (inside.from & 1) {
        et_put_pairs(to, j++, none, et_load_word(values), offset);
        values += step;
    }
    for (; j < inside.to / 2; j++, values += 2 * step) {
        et_put_pairs(to, j, et_load_word(values), et_load_word(values + step), offset);
    }
    if (inside.to & 1 && j == inside.to / 2) {
        et_put_pairs(to, j++, et_load_word(values), none, offset);
    }
    for (; j < pairs; j++) {
        et_put_pairs(to, j, 0, 0, 0);
    }
}

#endif
