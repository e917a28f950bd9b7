/* Instructions of the DSP extension: two halves or four bytes of a word at once.  What the
 * compiler's arm_acle.h lacks is written out; without the extension all are plain C, so that the
 * kernels run on the PC too. */
#ifndef ET_DSP_H
#define ET_DSP_H

#include <stdint.h>

#define ET_DSP_INLINE static inline __attribute__((always_inline))

/* The innermost loops name the registers that gcc leaves to them; clang leaves others, and takes
 * their plain twins. */
#if defined(__ARM_FEATURE_DSP) && !defined(__clang__)
#define ET_DSP_LOOPS
#endif

/* What is walked by fours, and how many are left over.  The build defines ET_WHOLE_FOURS where its
 * layers' rows and their weights all come in fours: then kernels leave out what fewer need. */
ET_DSP_INLINE int32_t et_four_of(int32_t left)
{
#ifdef ET_WHOLE_FOURS
    (void)left;
    return 4;
#else
    return left < 4 ? left : 4;
#endif
}

ET_DSP_INLINE uint32_t et_left_over(uint32_t count)
{
#ifdef ET_WHOLE_FOURS
    (void)count;
    return 0;
#else
    return count & 3;
#endif
}

/* A word, or a pair of halves, at any address. */
ET_DSP_INLINE uint32_t et_load_word(const void *address)
{
    uint32_t word;
    __builtin_memcpy(&word, address, sizeof word);
    return word;
}

/* Two words at an address that is a multiple of four; returns what lies behind them. */
ET_DSP_INLINE const void *et_load_two(const void *from, uint32_t *first, uint32_t *second)
{
#ifdef __thumb2__
    __asm__("ldrd %0, %1, [%2], #8"
            : "=&r"(*first), "=&r"(*second), "+&r"(from)
            : "m"(*(const uint32_t (*)[2])from));
    return from;
#else
    const uint32_t *words = __builtin_assume_aligned(from, 4);
    *first = et_load_word(words);
    *second = et_load_word(words + 1);
    return words + 2;
#endif
}

ET_DSP_INLINE void et_store_word(void *address, uint32_t word)
{
    __builtin_memcpy(address, &word, sizeof word);
}

#ifdef __ARM_FEATURE_DSP

#define ET_DSP_RESULT(text, ...)                                                                  \
    uint32_t result;                                                                              \
    __asm__(text : "=r"(result) : __VA_ARGS__);                                                   \
    return result

/* Bytes 0 and 2, or 1 and 3, with their signs; with offset added to each. */
ET_DSP_INLINE uint32_t et_bytes_02(uint32_t v)
{
    ET_DSP_RESULT("sxtb16 %0, %1", "r"(v));
}

ET_DSP_INLINE uint32_t et_bytes_13(uint32_t v)
{
    ET_DSP_RESULT("sxtb16 %0, %1, ror #8", "r"(v));
}

ET_DSP_INLINE uint32_t et_bytes_02_plus(uint32_t offset, uint32_t v)
{
    ET_DSP_RESULT("sxtab16 %0, %1, %2", "r"(offset), "r"(v));
}

ET_DSP_INLINE uint32_t et_bytes_13_plus(uint32_t offset, uint32_t v)
{
    ET_DSP_RESULT("sxtab16 %0, %1, %2, ror #8", "r"(offset), "r"(v));
}

/* The low halves of two words, or the high ones: a's below b's. */
ET_DSP_INLINE uint32_t et_low_halves(uint32_t a, uint32_t b)
{
    ET_DSP_RESULT("pkhbt %0, %1, %2, lsl #16", "r"(a), "r"(b));
}

ET_DSP_INLINE uint32_t et_high_halves(uint32_t a, uint32_t b)
{
    ET_DSP_RESULT("pkhtb %0, %1, %2, asr #16", "r"(b), "r"(a));
}

ET_DSP_INLINE uint32_t et_add_halves(uint32_t a, uint32_t b)
{
    ET_DSP_RESULT("sadd16 %0, %1, %2", "r"(a), "r"(b));
}

/* acc + a's low half * b's low half + a's high half * b's high half. */
ET_DSP_INLINE int32_t et_mac_halves(uint32_t a, uint32_t b, int32_t acc)
{
    int32_t result;
    __asm__("smlad %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(acc));
    return result;
}

/* a * b / 2**32, half up. */
ET_DSP_INLINE int32_t et_high_rounded(int32_t a, int32_t b)
{
    int32_t result;
    __asm__("smmulr %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
    return result;
}

/* value / 2, rounded down, as an int8. */
ET_DSP_INLINE int32_t et_saturated_half(int32_t value)
{
    int32_t result;
    __asm__("ssat %0, #8, %1, asr #1" : "=r"(result) : "r"(value));
    return result;
}

/* Byte by byte (a + b) / 2, rounded down. */
ET_DSP_INLINE uint32_t et_mean_bytes(uint32_t a, uint32_t b)
{
    ET_DSP_RESULT("shadd8 %0, %1, %2", "r"(a), "r"(b));
}

/* Byte by byte: a >= b ? yes : no. */
ET_DSP_INLINE uint32_t et_where_not_below(uint32_t a, uint32_t b, uint32_t yes, uint32_t no)
{
    uint32_t result;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %3, %4"
            : "=&r"(result)
            : "r"(a), "r"(b), "r"(yes), "r"(no)
            : "cc");
    return result;
}

/* Byte by byte the larger of most, unsigned, and |v|, v of at least -127. */
ET_DSP_INLINE uint32_t et_largest_bytes(uint32_t most, uint32_t v)
{
    uint32_t size, rest;
    __asm__("ssub8 %0, %4, %3\n\tsel %0, %0, %3\n\tusub8 %1, %0, %2\n\tsel %2, %0, %2"
            : "=&r"(size), "=&r"(rest), "+&r"(most)
            : "r"(v), "r"(0)
            : "cc");
    return most;
}

/* acc + |each byte of v + 128 - that of from|; from: in all bytes 0, or in all 128. */
ET_DSP_INLINE uint32_t et_add_distances(uint32_t v, uint32_t from, uint32_t acc)
{
    uint32_t result;
    __asm__("usada8 %0, %1, %2, %3" : "=r"(result) : "r"(v ^ 0x80808080u), "r"(from), "r"(acc));
    return result;
}

/* acc + |a - b|. */
ET_DSP_INLINE uint32_t et_add_distance(int8_t a, int8_t b, uint32_t acc)
{
    uint32_t result;
    __asm__("usada8 %0, %1, %2, %3"
            : "=r"(result)
            : "r"((uint8_t)a ^ 0x80u), "r"((uint8_t)b ^ 0x80u), "r"(acc));
    return result;
}

/* The four low bytes in one word. */
ET_DSP_INLINE uint32_t et_pack_bytes(int32_t b0, int32_t b1, int32_t b2, int32_t b3)
{
    uint32_t word = (uint32_t)b0;
    __asm__("bfi %0, %1, #8, #24" : "+r"(word) : "r"(b1));
    __asm__("bfi %0, %1, #16, #16" : "+r"(word) : "r"(b2));
    __asm__("bfi %0, %1, #24, #8" : "+r"(word) : "r"(b3));
    return word;
}

/* |value| */
ET_DSP_INLINE uint32_t et_absolute(int32_t value)
{
    uint32_t result;
    __asm__("add %0, %1, %1, asr #31\n\teor %0, %0, %1, asr #31" : "=&r"(result) : "r"(value));
    return result;
}

#else

ET_DSP_INLINE int32_t et_dsp_low(uint32_t v)
{
    return (int16_t)(v & 0xFFFF);
}

ET_DSP_INLINE int32_t et_dsp_high(uint32_t v)
{
    return (int16_t)(v >> 16);
}

ET_DSP_INLINE uint32_t et_dsp_pair(int32_t low, int32_t high)
{
    return ((uint32_t)low & 0xFFFF) | (uint32_t)high << 16;
}

ET_DSP_INLINE int32_t et_dsp_byte(uint32_t v, uint32_t i)
{
    return (int8_t)(v >> 8 * i & 0xFF);
}

ET_DSP_INLINE uint32_t et_bytes_02(uint32_t v)
{
    return et_dsp_pair(et_dsp_byte(v, 0), et_dsp_byte(v, 2));
}

ET_DSP_INLINE uint32_t et_bytes_13(uint32_t v)
{
    return et_bytes_02(v >> 8);
}

ET_DSP_INLINE uint32_t et_low_halves(uint32_t a, uint32_t b)
{
    return (a & 0xFFFF) | b << 16;
}

ET_DSP_INLINE uint32_t et_high_halves(uint32_t a, uint32_t b)
{
    return a >> 16 | (b & 0xFFFF0000u);
}

ET_DSP_INLINE uint32_t et_add_halves(uint32_t a, uint32_t b)
{
    return et_dsp_pair(et_dsp_low(a) + et_dsp_low(b), et_dsp_high(a) + et_dsp_high(b));
}

ET_DSP_INLINE uint32_t et_bytes_02_plus(uint32_t offset, uint32_t v)
{
    return et_add_halves(offset, et_bytes_02(v));
}

ET_DSP_INLINE uint32_t et_bytes_13_plus(uint32_t offset, uint32_t v)
{
    return et_add_halves(offset, et_bytes_13(v));
}

ET_DSP_INLINE int32_t et_mac_halves(uint32_t a, uint32_t b, int32_t acc)
{
    uint32_t low = (uint32_t)(et_dsp_low(a) * et_dsp_low(b));
    uint32_t high = (uint32_t)(et_dsp_high(a) * et_dsp_high(b));
    return (int32_t)((uint32_t)acc + low + high);
}

ET_DSP_INLINE int32_t et_high_rounded(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + (1LL << 31)) >> 32);
}

ET_DSP_INLINE int32_t et_saturated_half(int32_t value)
{
    int32_t half = value >> 1;
    half = half < -128 ? -128 : half;
    return half > 127 ? 127 : half;
}

ET_DSP_INLINE uint32_t et_pack_bytes(int32_t b0, int32_t b1, int32_t b2, int32_t b3)
{
    return ((uint32_t)b0 & 0xFF) | ((uint32_t)b1 & 0xFF) << 8 | ((uint32_t)b2 & 0xFF) << 16 |
           (uint32_t)b3 << 24;
}

ET_DSP_INLINE uint32_t et_mean_bytes(uint32_t a, uint32_t b)
{
    int32_t mean[4];
    for (uint32_t i = 0; i < 4; i++) {
        mean[i] = (et_dsp_byte(a, i) + et_dsp_byte(b, i)) >> 1;
    }
    return et_pack_bytes(mean[0], mean[1], mean[2], mean[3]);
}

ET_DSP_INLINE uint32_t et_where_not_below(uint32_t a, uint32_t b, uint32_t yes, uint32_t no)
{
    uint32_t result = 0;
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t chosen = et_dsp_byte(a, i) >= et_dsp_byte(b, i) ? yes : no;
        result |= chosen & 0xFFu << 8 * i;
    }
    return result;
}

ET_DSP_INLINE uint32_t et_largest_bytes(uint32_t most, uint32_t v)
{
    uint32_t result = 0;
    for (uint32_t i = 0; i < 32; i += 8) {
        int32_t value = (int8_t)(v >> i & 0xFF);
        uint32_t size = (uint32_t)(value < 0 ? -value : value), old = most >> i & 0xFF;
        result |= (size > old ? size : old) << i;
    }
    return result;
}

ET_DSP_INLINE uint32_t et_add_distances(uint32_t v, uint32_t from, uint32_t acc)
{
    uint32_t negative = v >> 7 & from >> 7;
    uint32_t sizes = (v ^ 0x80808080u ^ from ^ negative * 255u) + negative;
    return acc + (((sizes & 0x00FF00FFu) + (sizes >> 8 & 0x00FF00FFu)) * 0x00010001u >> 16);
}

ET_DSP_INLINE uint32_t et_add_distance(int8_t a, int8_t b, uint32_t acc)
{
    int32_t distance = a - b;
    return acc + (uint32_t)(distance < 0 ? -distance : distance);
}

ET_DSP_INLINE uint32_t et_absolute(int32_t value)
{
    return value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
}

#endif

/* The same byte four times. */
ET_DSP_INLINE uint32_t et_four_bytes(int32_t value)
{
    return ((uint32_t)value & 0xFF) * 0x01010101u;
}

#endif
