#include "pairs_dsp.h"

#define APART __attribute__((noinline)) /* each loop has the registers for itself */

ET_DSP_INLINE void put_at(uint32_t *out, int32_t lane, uint32_t offset, uint32_t first,
                          uint32_t second)
{
    uint32_t low = et_low_halves(first, second), high = et_high_halves(first, second);
    out[0] = et_bytes_02_plus(offset, low);
    out[lane] = et_bytes_13_plus(offset, low);
    out[2 * lane] = et_bytes_02_plus(offset, high);
    out[3 * lane] = et_bytes_13_plus(offset, high);
}

void et_put_pairs(const et_pair_target *to, int32_t j, uint32_t first, uint32_t second)
{
    put_at(to->pairs + j * to->step, to->lane, to->offset, first, second);
}

/* Pairs from .. end - 1, of which both positions lie outside; returns the next one. */
static APART int32_t put_none(const et_pair_target *to, int32_t from, int32_t end)
{
    int32_t lane = to->lane, step = to->step, j = from;
    for (uint32_t *out = to->pairs + j * step; j < end; j++, out += step) {
        out[0] = out[lane] = out[2 * lane] = out[3 * lane] = 0;
    }
    return j;
}

/* Pairs from .. end - 1, of which both positions lie inside. */
static APART int32_t put_whole(const et_pair_target *to, int32_t from, int32_t end,
                               const int8_t *values, int32_t step)
{
    int32_t lane = to->lane, next = to->step, j = from;
    uint32_t offset = to->offset;
    for (uint32_t *out = to->pairs + j * next; j < end; j++, values += 2 * step, out += next) {
        put_at(out, lane, offset, et_load_word(values), et_load_word(values + step));
    }
    return j;
}

void et_pair_line(const int8_t *values, int32_t step, et_range inside, int32_t pairs,
                  const et_pair_target *to)
{
    uint32_t none = et_four_bytes(-(int16_t)(to->offset & 0xFFFF)); /* 0 with the offset added */
    if (inside.from >= inside.to) {
        inside.from = inside.to = 0;
    }
    int32_t j = put_none(to, 0, inside.from / 2);
    if (inside.from & 1) {
        et_put_pairs(to, j++, none, et_load_word(values + inside.from * step));
    }
    j = put_whole(to, j, inside.to / 2, values + 2 * j * step, step);
    if (inside.to & 1 && j == inside.to / 2) {
        et_put_pairs(to, j, et_load_word(values + 2 * j * step), none);
        j++;
    }
    put_none(to, j, pairs);
}
