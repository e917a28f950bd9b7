/* Errors of a layer with one weight scale a channel, by the DSP extension: down four channels at a
 * time, first for the largest error of each, then to scale them.  Vectors look at 16 channels for
 * their largest errors. */
#include "error_scale_dsp.h"

#include "channel_ratio.h"
#include "dsp.h"
#include "error_block.h"
#include "error_words.h"
#include "vectors.h"

#ifdef ET_MVE_LOOPS

#define TOGETHER 16u /* channels */

/* The largest scaled error of width <= 16 channels. */
static uint32_t largest_of_some(const int8_t *e, uint32_t positions, uint32_t channels,
                                const et_channel_ratios *ratios, uint32_t c, uint32_t width)
{
    uint8_t sizes[TOGETHER];
    uint8x16_t most = vdupq_n_u8(0);
    uint32_t largest = 0;
    __asm__ volatile("vctp.8 %[width]\n\t"
                     "dls lr, %[positions]\n"
                     "1:\n\t"
                     "vpstt\n\t"
                     "vldrbt.8 q0, [%[e]]\n\t"
                     "vmaxat.s8 %q[most], q0\n\t"
                     "add %[e], %[channels]\n\t"
                     "le lr, 1b"
                     : [e] "+&r"(e), [most] "+&w"(most)
                     : [width] "r"(width), [positions] "r"(positions), [channels] "r"(channels)
                     : "q0", "lr", "cc", "memory");
    vstrbq_u8(sizes, most);
    for (uint32_t k = 0; k < width; k++) {
        uint32_t scaled = sizes[k] * et_channel_ratio(ratios, c + k);
        largest = scaled > largest ? scaled : largest;
    }
    return largest;
}

static uint32_t largest_of_all(const int8_t *e, uint32_t positions, uint32_t channels,
                               const et_channel_ratios *ratios)
{
    uint32_t largest = 0;
    for (uint32_t c = 0; c < channels; c += TOGETHER) {
        uint32_t left = channels - c, width = left < TOGETHER ? left : TOGETHER;
        uint32_t most = largest_of_some(e + c, positions, channels, ratios, c, width);
        largest = most > largest ? most : largest;
    }
    return largest;
}

static void scale_four(int8_t *e, uint32_t positions, uint32_t channels, const int32_t *ratio,
                       uint32_t shift)
{
    int32x4_t ratios = vldrwq_s32(ratio);
    int32x4_t round = vdupq_n_s32((int32_t)((1u << shift) - 1));
    __asm__ volatile("dls lr, %[positions]\n"
                     "1:\n\t"
                     "vldrb.s32 q0, [%[e]]\n\t"
                     "vmul.i32 q0, q0, %q[ratios]\n\t"
                     "vshr.s32 q1, q0, #31\n\t"
                     "vand q1, q1, %q[round]\n\t"
                     "vadd.i32 q0, q0, q1\n\t"
                     "vshl.s32 q0, %[shift]\n\t"
                     "vstrb.32 q0, [%[e]]\n\t"
                     "add %[e], %[channels]\n\t"
                     "le lr, 1b"
                     : [e] "+&l"(e)
                     : [positions] "r"(positions), [channels] "r"(channels), [ratios] "w"(ratios),
                       [round] "w"(round), [shift] "r"(-(int32_t)shift)
                     : "q0", "q1", "lr", "memory");
}

#else

/* The largest scaled error of four channels, or of the first width ones of them. */
static uint32_t largest_of_four(const int8_t *e, uint32_t positions, uint32_t channels,
                                const et_channel_ratios *ratios, uint32_t c)
{
    uint32_t most = 0, largest = 0;
    for (; positions >= 2; positions -= 2, e += 2 * channels) {
        most = et_largest_bytes(most, et_load_word(e));
        most = et_largest_bytes(most, et_load_word(e + channels));
    }
    most = positions ? et_largest_bytes(most, et_load_word(e)) : most;
    for (uint32_t k = 0; k < 4; k++, most >>= 8) {
        uint32_t scaled = (most & 0xFF) * et_channel_ratio(ratios, c + k);
        largest = scaled > largest ? scaled : largest;
    }
    return largest;
}

static uint32_t largest_of_one(const int8_t *e, uint32_t positions, uint32_t channels,
                               uint32_t ratio)
{
    uint32_t most = 0;
    for (; positions; positions--, e += channels) {
        uint32_t magnitude = et_magnitude(*e);
        most = magnitude > most ? magnitude : most;
    }
    return most * ratio;
}

static uint32_t largest_of_all(const int8_t *e, uint32_t positions, uint32_t channels,
                               const et_channel_ratios *ratios)
{
    uint32_t largest = 0, whole = channels - et_left_over(channels);
    for (uint32_t c = 0; c < channels; c += c < whole ? 4 : 1) {
        uint32_t most =
            c < whole ? largest_of_four(e + c, positions, channels, ratios, c)
                      : largest_of_one(e + c, positions, channels, et_channel_ratio(ratios, c));
        largest = most > largest ? most : largest;
    }
    return largest;
}

static void scale_four(int8_t *e, uint32_t positions, uint32_t channels, const int32_t *ratio,
                       uint32_t shift)
{
    int32_t r0 = ratio[0], r1 = ratio[1], r2 = ratio[2], r3 = ratio[3];
    int32_t round = (int32_t)((1u << shift) - 1);
    for (; positions; positions--, e += channels) {
        uint32_t word = et_load_word(e);
        int32_t a0 = (int8_t)(word & 0xFF) * r0, a1 = (int8_t)(word >> 8 & 0xFF) * r1;
        int32_t a2 = (int8_t)(word >> 16 & 0xFF) * r2, a3 = ((int32_t)word >> 24) * r3;
        et_store_word(e, et_pack_bytes(et_error_mantissa(a0, round, shift),
                                       et_error_mantissa(a1, round, shift),
                                       et_error_mantissa(a2, round, shift),
                                       et_error_mantissa(a3, round, shift)));
    }
}

#endif

static void scale_one(int8_t *e, uint32_t positions, uint32_t channels, int32_t ratio,
                      uint32_t shift)
{
    for (; positions; positions--, e += channels) {
        *e = (int8_t)et_error_mantissa(*e * ratio, (int32_t)((1u << shift) - 1), shift);
    }
}

int32_t et_error_scale_dsp(int8_t *e, uint32_t positions, uint32_t channels,
                           const et_quantization *q)
{
    et_channel_ratios ratios = et_channel_ratios_of(q, channels);
    uint32_t largest = largest_of_all(e, positions, channels, &ratios), shift = 0;
    uint32_t whole = channels - et_left_over(channels);
    while ((largest >> shift) > 127) {
        shift++;
    }
    for (uint32_t c = 0; c < channels; c += c < whole ? 4 : 1) {
        int32_t ratio[4], count = c < whole ? 4 : 1;
        for (int32_t k = 0; k < count; k++) {
            ratio[k] = (int32_t)et_channel_ratio(&ratios, c + (uint32_t)k);
        }
        if (count == 4) {
            scale_four(e + c, positions, channels, ratio, shift);
        } else {
            scale_one(e + c, positions, channels, ratio[0], shift);
        }
    }
    return (int32_t)shift;
}
