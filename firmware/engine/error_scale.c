/* Errors of a layer with one weight scale a channel.  docs/numerics.md section 4. */
#include "channel_ratio.h"
#include "error_block.h"

/* The largest magnitude of a channel. */
static uint32_t largest_of(const int8_t *e, const int8_t *end, uint32_t channels)
{
    uint32_t most = 0;
    for (; e < end; e += channels) {
        uint32_t magnitude = et_magnitude(*e);
        most = magnitude > most ? magnitude : most;
    }
    return most;
}

int32_t et_error_scale(int8_t *e, uint32_t positions, uint32_t channels, const et_quantization *q)
{
    et_channel_ratios ratios = et_channel_ratios_of(q, channels);
    const int8_t *end = e + positions * channels;
    uint32_t largest = 0;
    for (uint32_t c = 0; c < channels; c++) {
        uint32_t scaled = largest_of(e + c, end, channels) * et_channel_ratio(&ratios, c);
        largest = scaled > largest ? scaled : largest;
    }
    uint32_t shift = et_error_grow(e, e, 0, largest);
    for (uint32_t c = 0; c < channels; c++) {
        uint32_t ratio = et_channel_ratio(&ratios, c);
        for (int8_t *at = e + c; at < end; at += channels) {
            *at = et_with_sign((et_magnitude(*at) * ratio) >> shift, *at);
        }
    }
    return (int32_t)shift;
}
