#include "error_block.h"

uint32_t et_error_grow(int8_t *start, const int8_t *end, uint32_t shift, uint32_t magnitude)
{
    uint32_t more = 0;
    while ((magnitude >> (shift + more)) > 127) {
        more++;
    }
    for (int8_t *e = start; e < end; e++) {
        *e = et_with_sign(et_magnitude(*e) >> more, *e);
    }
    return shift + more;
}

void et_error_put_many(et_error_block *block, const int32_t *acc, uint32_t n)
{
    et_error_block local = *block; /* in registers, where stores through int8_t cannot reach it */
    for (; n; n--) {
        et_error_put(&local, *acc++);
    }
    *block = local;
}

static uint32_t largest_scaled(const int8_t *e, uint32_t positions, uint32_t channels,
                               const uint16_t *ratio)
{
    uint32_t largest = 0;
    for (; positions; positions--) {
        for (uint32_t c = 0; c < channels; c++) {
            uint32_t magnitude = et_magnitude(*e++) * ratio[c];
            largest = magnitude > largest ? magnitude : largest;
        }
    }
    return largest;
}

int32_t et_error_scale(int8_t *e, uint32_t positions, uint32_t channels, const uint16_t *ratio)
{
    uint32_t largest = largest_scaled(e, positions, channels, ratio);
    uint32_t shift = et_error_grow(e, e, 0, largest);
    for (; positions; positions--) {
        for (uint32_t c = 0; c < channels; c++, e++) {
            *e = et_with_sign((et_magnitude(*e) * ratio[c]) >> shift, *e);
        }
    }
    return (int32_t)shift;
}
