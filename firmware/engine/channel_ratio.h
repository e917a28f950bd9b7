/* The weight scale of each channel over the largest one, from what requantises the channels: their
 * multipliers are one factor apart from their scales.  docs/numerics.md section 4. */
#ifndef ET_CHANNEL_RATIO_H
#define ET_CHANNEL_RATIO_H

#include "operators.h"

/* reciprocal: 2**61 over the largest channel's multiplier; shift: that channel's. */
typedef struct {
    const et_quantization *quantization;
    uint32_t reciprocal;
    int32_t shift;
} et_channel_ratios;

/* Of the channels, of which one has a multiplier that is not 0. */
et_channel_ratios et_channel_ratios_of(const et_quantization *q, uint32_t channels);

/* Q15. */
uint32_t et_channel_ratio(const et_channel_ratios *ratios, uint32_t channel);

#endif
