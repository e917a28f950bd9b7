/* Errors as 8-bit block floating point: int8 mantissas, one shift for all of them.
 * docs/numerics.md section 4. */
#ifndef ET_ERROR_BLOCK_H
#define ET_ERROR_BLOCK_H

#include "operators.h"

/* Writes errors one after another.  Truncation toward zero composes, so the shift starts at
 * none and whatever was written is halved as larger errors come: the bits are those of a
 * shift that was known beforehand, and no wider copy of the tensor is needed. */
typedef struct {
    int8_t *start, *next;
    const int8_t *value; /* the activation of the next error */
    int32_t low, high;
    uint32_t shift;
} et_error_block;

static inline et_error_block et_error_open(int8_t *e, const int8_t *values, et_clip clip)
{
    et_error_block block = {e, e, values, clip.low, clip.high, 0};
    return block;
}

/* Shifts start .. end - 1 further, as magnitude demands; returns the new shift. */
uint32_t et_error_grow(int8_t *start, const int8_t *end, uint32_t shift, uint32_t magnitude);

static inline uint32_t et_magnitude(int32_t value)
{
    return value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
}

static inline int8_t et_with_sign(uint32_t mantissa, int32_t sign)
{
    return (int8_t)(sign < 0 ? -(int32_t)mantissa : (int32_t)mantissa);
}

/* Whatever the activation's value is. */
static inline void et_error_write(et_error_block *block, uint32_t magnitude, int32_t sign)
{
    if ((magnitude >> block->shift) > 127) {
        block->shift = et_error_grow(block->start, block->next, block->shift, magnitude);
    }
    *block->next++ = et_with_sign(magnitude >> block->shift, sign);
}

static inline void et_error_put(et_error_block *block, int32_t acc)
{
    int32_t value = *block->value++;
    uint32_t magnitude = et_magnitude(acc);
    if (value <= block->low || value >= block->high) {
        magnitude = 0;
    }
    et_error_write(block, magnitude, acc);
}

void et_error_put_many(et_error_block *block, const int32_t *acc, uint32_t n);

#endif
