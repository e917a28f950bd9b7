/* The errors of several readers of one activation.  docs/numerics.md section 4. */
#include "error_block.h"

#define JOIN_BITS 15 /* of a join's multiplier */

/* Divided by 2**bits, truncated toward zero. */
static int32_t dropped(int32_t value, uint32_t bits)
{
    uint32_t magnitude = bits < 32 ? et_magnitude(value) >> bits : 0;
    return value < 0 ? -(int32_t)magnitude : (int32_t)magnitude;
}

/* In place: a place of e is read before the block writes it, and what the block halves lies
 * before that place. */
int32_t et_error_join(int8_t *e, const int8_t *other, uint32_t count, et_join join,
                      int32_t exponent, int32_t other_exponent)
{
    et_error_block block = et_error_open(e, e, (et_clip){0, 0});
    int32_t ahead = other_exponent + join.shift - exponent;
    uint32_t drop = ahead > 0 ? (uint32_t)ahead : 0,
             drop_other = ahead < 0 ? 0u - (uint32_t)ahead : 0;
    for (uint32_t i = 0; i < count; i++) {
        int32_t sum = dropped(e[i] * (1 << JOIN_BITS), drop) +
                      dropped(other[i] * join.multiplier, drop_other);
        et_error_write(&block, et_magnitude(sum), sum);
    }
    return exponent + (ahead > 0 ? ahead : 0) - JOIN_BITS + (int32_t)block.shift;
}
