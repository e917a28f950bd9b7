/* Errors of a layer with one weight scale a channel.  docs/numerics.md section 4. */
#include "error_block.h"

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
