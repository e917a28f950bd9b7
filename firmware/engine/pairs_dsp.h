/* Lines of positions as pairs of halves: the gradients' operands.  The halves of a pair are two
 * neighbours on a line, so that one SMLAD sums over both. */
#ifndef ET_PAIRS_DSP_H
#define ET_PAIRS_DSP_H

#include "dsp.h"
#include "window.h"

/* Where the pairs go: that of value k (0 to 3) and pair j to pairs[k * lane + j * step].  offset,
 * twice a half, is added to all values; outside: four that stand for those of a position that does
 * not exist. */
typedef struct {
    uint32_t *pairs;
    int32_t lane, step;
    uint32_t offset, outside;
} et_pair_target;

/* The offset by which values count from an origin. */
ET_DSP_INLINE uint32_t et_pair_offset(int32_t origin)
{
    return (uint16_t)-origin * 0x10001u;
}

/* Four values of two positions as the j-th pairs. */
void et_put_pairs(const et_pair_target *to, int32_t j, uint32_t first, uint32_t second);

/* Four bytes side by side at each of count positions, step apart, of which those inside exist;
 * values is where the first one would lie. */
void et_pair_line(const int8_t *values, int32_t step, et_range inside, int32_t pairs,
                  const et_pair_target *to);

#endif
