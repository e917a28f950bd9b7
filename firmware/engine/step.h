/* A weight's step. */
#ifndef ET_STEP_H
#define ET_STEP_H

#include "digest.h"
#include "vectors.h"

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

/* Vectors take steps of a row's weights together: a draw notes them first, each of another weight.
 * Independent draws may come back to a weight, and take each step by itself. */
#if defined(ET_MVE_LOOPS) && !defined(ET_DRAW_INDEPENDENT)

#define ET_NOTED 32u /* steps at most */

/* at: the columns' places in a row of words that begins at first.  sign: of all steps.  step, and
 * place and place_step in the digest: from column to column of the weights. */
typedef struct {
    const void *at[ET_NOTED];
    int32_t steps[ET_NOTED];
    const void *first;
    int32_t sign;
    int8_t *weights;
    uint32_t step, place, place_step;
} et_noted_steps;

/* Takes count > 0 of them; returns what the digest changes by. */
uint32_t et_step_noted(const et_noted_steps *noted, uint32_t count);

#endif

#endif
