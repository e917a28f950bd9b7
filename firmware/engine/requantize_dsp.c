#include "requantize_dsp.h"

#include "error_block.h"
#include "requantize.h"

#define LARGEST_PRODUCT (128u * 255)

et_outputs_4 et_outputs_of(const et_quantization *q, const int32_t *bias, uint32_t first,
                           uint32_t width, uint32_t row_size, int32_t doubling)
{
    et_outputs_4 outputs = {.zero_point = 2 * q->output_zero_point + 1,
                            .low = et_four_bytes(q->activation_min),
                            .high = et_four_bytes(q->activation_max),
                            .narrow = q->activation_min > -128 || q->activation_max < 127,
                            .doubled = doubling,
                            .width = (int32_t)width,
                            .quantization = q};
    for (uint32_t c = 0; c < width; c++) {
        uint32_t most = et_magnitude(bias[first + c]);
        outputs.bias[c] = bias[first + c];
        outputs.channel[c].multiplier = q->multiplier[first + c];
        outputs.channel[c].shift = q->shift[first + c];
        outputs.doubled &= outputs.channel[c].shift < 0 && most < (1u << 30) &&
                           row_size * LARGEST_PRODUCT < (1u << 30) - most;
    }
#ifdef ET_MVE_LOOPS
    int32x4x2_t channel = vld2q_s32(&outputs.channel[0].multiplier);
    outputs.multipliers = channel.val[0];
    outputs.left = vmaxq_s32(channel.val[1], vdupq_n_s32(0));
    outputs.right = vminq_s32(channel.val[1], vdupq_n_s32(0));
    outputs.zero_points = vdupq_n_s32(q->output_zero_point);
    outputs.least = vdupq_n_s32(q->activation_min);
    outputs.most = vdupq_n_s32(q->activation_max);
#endif
    for (uint32_t c = 0; c < 4 && outputs.doubled; c++) {
        outputs.bias[c] *= 2;
        outputs.channel[c].shift = c < width ? -outputs.channel[c].shift - 1 : 0;
    }
    return outputs;
}

void et_outputs_take(et_outputs_4 *outputs, const int32_t *weight_sums)
{
    int32_t zero_point = outputs->quantization->input_zero_point;
    for (uint32_t c = 0; c < 4; c++) {
        uint32_t folded = (uint32_t)zero_point * (uint32_t)weight_sums[c];
        outputs->bias[c] = (int32_t)((uint32_t)outputs->bias[c] - folded);
        outputs->bias[4 + c] = outputs->bias[c];
    }
}

void et_outputs_put_any(const et_outputs_4 *outputs, const int32_t *sums, int8_t *y)
{
    const et_quantization *q = outputs->quantization;
    for (int32_t c = 0; c < outputs->width; c++) {
        int32_t acc = outputs->doubled ? sums[c] >> 1 : sums[c];
        int32_t shift =
            outputs->doubled ? -outputs->channel[c].shift - 1 : outputs->channel[c].shift;
        int32_t value =
            et_multiply(acc, outputs->channel[c].multiplier, shift) + q->output_zero_point;
        y[c] = et_clamp(value, q->activation_min, q->activation_max);
    }
}
