/* Requantisation of four sums of products at once, with the bits of requantize.h.
 *
 * Sums are doubled, by doubled weights and bias: then SMMULR, which rounds the high word of a
 * product half up, is et_multiply_high, and the output's zero point joins the last rounding:
 *
 *     high = high_rounded(2 acc, multiplier);  high -= high < 0
 *     ((high >> s) + 1 >> 1) + zero_point = (high >> s) + 2 zero_point + 1 >> 1
 */
#ifndef ET_REQUANTIZE_DSP_H
#define ET_REQUANTIZE_DSP_H

#include "dsp.h"
#include "operators.h"
#include "vectors.h"

/* Four channels.  doubled: whether their sums are to be, which they are where they cannot reach
 * 2**30 and shifts go right; vectors need no doubling. */
typedef struct {
    int32_t bias[8]; /* 0 to 3, less input zero point times the row's weights; then the same */
    struct {
        int32_t multiplier, shift;
    } channel[4];
    int32_t zero_point; /* 2 * zero point + 1 */
    uint32_t low, high; /* the activation's range, four times each */
    int32_t narrow;     /* it is not all of int8 */
    int32_t doubled, width;
    const et_quantization *quantization;
#ifdef ET_MVE_LOOPS
    int32x4_t multipliers, left, right, zero_points, least, most; /* shifts right are negative */
#endif
} et_outputs_4;

/* Channels first .. first + width - 1, width <= 4, of layers with row_size weights each.
 * doubling: whether their sums may be doubled. */
et_outputs_4 et_outputs_of(const et_quantization *q, const int32_t *bias, uint32_t first,
                           uint32_t width, uint32_t row_size, int32_t doubling);

/* Once the sum of each channel's weights is known, doubled if these are. */
void et_outputs_take(et_outputs_4 *outputs, const int32_t *weight_sums);

/* y[c] of the sums, whatever they are. */
void et_outputs_put_any(const et_outputs_4 *outputs, const int32_t *sums, int8_t *y);

#ifdef ET_VECTORS
#define ET_DOUBLING 0 /* of sums that et_outputs_put_two takes */
#else
#define ET_DOUBLING 1
#endif

/* Whether et_outputs_put_two serves. */
ET_DSP_INLINE int32_t et_outputs_quick(const et_outputs_4 *outputs)
{
    return et_four_of(outputs->width) == 4 && outputs->doubled == ET_DOUBLING;
}

ET_DSP_INLINE int32_t et_output(int32_t sum, int32_t multiplier, int32_t shift, int32_t zero_point)
{
    int32_t high = et_high_rounded(sum, multiplier);
    high += high >> 31;
    return et_saturated_half((high >> shift) + zero_point);
}

ET_DSP_INLINE void et_outputs_narrow(const et_outputs_4 *outputs, int8_t *y)
{
    uint32_t word = et_load_word(y);
    word = et_where_not_below(word, outputs->low, word, outputs->low);
    et_store_word(y, et_where_not_below(word, outputs->high, outputs->high, word));
}

#ifdef ET_MVE_LOOPS

/* Four sums of one position.  High words round half up, as et_multiply_high does; one less where
 * negative and shifted right, then half up again, is et_multiply. */
ET_DSP_INLINE void et_outputs_put_four(const et_outputs_4 *outputs, const int32_t *sums, int8_t *y)
{
    int32x4_t value =
        vqrdmulhq_s32(vshlq_s32(vldrwq_s32(sums), outputs->left), outputs->multipliers);
    value = vaddq_s32(value, vshrq_n_s32(vandq_s32(value, outputs->right), 31));
    value = vaddq_s32(vrshlq_s32(value, outputs->right), outputs->zero_points);
    vstrbq_s32(y, vminq_s32(vmaxq_s32(value, outputs->least), outputs->most));
}

#elif defined(ET_VECTORS)

ET_DSP_INLINE void et_outputs_put_four(const et_outputs_4 *outputs, const int32_t *sums, int8_t *y)
{
    et_outputs_put_any(outputs, sums, y);
}

#endif

#ifdef ET_VECTORS

/* Eight sums: four of one position, four of another. */
ET_DSP_INLINE void et_outputs_put_two(const et_outputs_4 *outputs, const int32_t *sums, int8_t *y,
                                      int8_t *other)
{
    et_outputs_put_four(outputs, sums, y);
    et_outputs_put_four(outputs, sums + 4, other);
}

#else

/* Channel c of two positions. */
ET_DSP_INLINE void et_output_two(const et_outputs_4 *outputs, const int32_t *sums, uint32_t c,
                                 int8_t *y, int8_t *other)
{
    int32_t multiplier = outputs->channel[c].multiplier, shift = outputs->channel[c].shift;
    int32_t zero_point = outputs->zero_point;
    y[c] = (int8_t)et_output(sums[c], multiplier, shift, zero_point);
    other[c] = (int8_t)et_output(sums[4 + c], multiplier, shift, zero_point);
}

/* Eight sums: four of one position, four of another. */
ET_DSP_INLINE void et_outputs_put_two(const et_outputs_4 *outputs, const int32_t *sums, int8_t *y,
                                      int8_t *other)
{
    et_output_two(outputs, sums, 0, y, other);
    et_output_two(outputs, sums, 1, y, other);
    et_output_two(outputs, sums, 2, y, other);
    et_output_two(outputs, sums, 3, y, other);
    if (__builtin_expect(outputs->narrow, 0)) {
        et_outputs_narrow(outputs, y);
        et_outputs_narrow(outputs, other);
    }
}

#endif

#endif
