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

/* Pairs from .. end - 1, of which both positions lie outside. */
static APART void put_none(const et_pair_target *to, int32_t from, int32_t end)
{
    int32_t lane = to->lane, next = to->step;
    uint32_t pair = et_bytes_02_plus(to->offset, to->outside), *out = to->pairs + from * next;
    for (int32_t n = end - from; n; n--, out += next) {
        out[0] = out[lane] = out[2 * lane] = out[3 * lane] = pair;
    }
}

/* Pairs from .. end - 1, of which both positions lie inside; a lane of one is stored in fewer
 * instructions. */
static APART void put_whole(const et_pair_target *to, int32_t from, int32_t end,
                            const int8_t *values, int32_t step)
{
    int32_t lane = to->lane, next = to->step, n = end - from;
    uint32_t offset = to->offset, *out = to->pairs + from * next;
    if (lane == 1) {
        for (; n; n--, values += 2 * step, out += next) {
            put_at(out, 1, offset, et_load_word(values), et_load_word(values + step));
        }
        return;
    }
    for (; n != 0; n--, values += 2 * step, out += next) {
        put_at(out, lane, offset, et_load_word(values), et_load_word(values + step));
    }
}

void et_pair_line(const int8_t *values, int32_t step, et_range inside, int32_t pairs,
                  const et_pair_target *to)
{
    int32_t j = inside.from >> 1, whole = inside.to >> 1;
    if (inside.from >= inside.to) {
        put_none(to, 0, pairs);
        return;
    }
    if (j) {
        put_none(to, 0, j);
    }
    values += inside.from * step;
    if (inside.from & 1) {
        et_put_pairs(to, j++, to->outside, et_load_word(values));
        values += step;
    }
    put_whole(to, j, whole, values, step);
    if (inside.to & 1) {
        et_put_pairs(to, whole, et_load_word(values + 2 * (whole - j) * step), to->outside);
        whole++;
    }
    if (whole < pairs) {
        put_none(to, whole, pairs);
    }
}
