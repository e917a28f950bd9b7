#include "channel_ratio.h"

et_channel_ratios et_channel_ratios_of(const et_quantization *q, uint32_t channels)
{
    int32_t most = 0, shift = 0;
    for (uint32_t c = 0; c < channels; c++) {
        int32_t multiplier = q->multiplier[c], further = q->shift[c] - shift;
        if (multiplier && (!most || further > 0 || (further == 0 && multiplier > most))) {
            most = multiplier;
            shift = q->shift[c];
        }
    }
    et_channel_ratios ratios = {q, (uint32_t)((1ULL << 61) / (uint32_t)most), shift};
    return ratios;
}

uint32_t et_channel_ratio(const et_channel_ratios *ratios, uint32_t channel)
{
    const et_quantization *q = ratios->quantization;
    if (!q->multiplier[channel]) {
        return 0; /* its shift is 0, which may be above the largest channel's by more than 13 */
    }
    uint64_t product = (uint64_t)(uint32_t)q->multiplier[channel] * ratios->reciprocal;
    int32_t drop = 13 + ratios->shift - q->shift[channel];
    return (((uint32_t)(product >> 32) >> (drop < 31 ? drop : 31)) + 1) >> 1;
}
