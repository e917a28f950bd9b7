/* A weight's step. */
#ifndef ET_STEP_H
#define ET_STEP_H

#include "digest.h"

/* A weight's value after several steps against its gradient's sign, sign times their number. */
static inline int32_t et_moved_weight(int32_t value, int32_t steps)
{
    int32_t moved = value - steps;
    if (__builtin_expect((uint32_t)(moved + 127) > 254, 0)) {
        moved = moved < 0 ? -127 : 127;
    }
    return moved;
}

/* What the digest changes by where the parameter at index goes from value to moved; place: index
 * times the digest's stride. */
static inline uint32_t et_digest_change_at(uint32_t place, int32_t value, int32_t moved)
{
    return et_mix32_difference(place + (uint32_t)moved, place + (uint32_t)value);
}

static inline uint32_t et_digest_change(uint32_t index, int32_t value, int32_t moved)
{
    return et_digest_change_at(index * ET_DIGEST_STRIDE, value, moved);
}

#endif
