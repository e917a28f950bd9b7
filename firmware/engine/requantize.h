/* From accumulators to int8.  docs/numerics.md section 2. */
#ifndef ET_REQUANTIZE_H
#define ET_REQUANTIZE_H

#include "armv6m.h"
#include "operators.h"

#ifdef __ARM_ARCH_6M__
#define ET_HALF_PRODUCTS
#endif

/* a * b / 2**31.  Half up, which here equals the reference's truncation of a signed
 * nudge.  ET_HALF_PRODUCTS: by halves of a and b, for cores without a product of 64 bits; the
 * lowest half of it decides nothing. */
static inline int32_t et_multiply_high(int32_t a, int32_t b)
{
#if defined(ET_ARMV6M_LOOPS)
    uint32_t low, cross, rest;
    __asm__(
        ".syntax unified\n\t"
        "uxth %[low], %[a]\n\tasrs %[a], %[a], #16\n\t"
        "uxth %[rest], %[b]\n\tasrs %[b], %[b], #16\n\t"
        "movs %[cross], %[low]\n\tmuls %[cross], %[rest]\n\tlsrs %[cross], #16\n\t"
        "muls %[low], %[b]\n\tadds %[cross], %[low]\n\t"
        "muls %[rest], %[a]\n\tmuls %[a], %[b]\n\t"
        "uxth %[b], %[cross]\n\tadds %[rest], %[b]\n\t"
        "asrs %[cross], #16\n\tadds %[a], %[cross]\n\t"
        "asrs %[cross], %[rest], #16\n\tadds %[a], %[cross]\n\t"
        "lsls %[rest], #17\n\tadcs %[a], %[a]\n\t"
        "lsls %[rest], #1\n\tmovs %[b], #0\n\tadcs %[a], %[b]"
        : [a] "+&l"(a), [b] "+&l"(b), [low] "=&l"(low), [cross] "=&l"(cross), [rest] "=&l"(rest)
        :
        : "cc");
    return a;
#elif defined(ET_HALF_PRODUCTS)
    int32_t high = a >> 16, factor_high = b >> 16;
    uint32_t low = (uint16_t)a, factor_low = (uint16_t)b;
    int32_t cross = (int32_t)(low * (uint32_t)factor_high + (low * factor_low >> 16));
    int32_t middle = high * (int32_t)factor_low + (uint16_t)cross;
    int32_t top = high * factor_high + (cross >> 16) + (middle >> 16);
    return 2 * top + (int32_t)((((uint32_t)middle << 16 >> 30) + 1) >> 1);
#else
    return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
#endif
}

/* x * multiplier * 2**(shift - 31), rounded twice as the TFLite reference kernels do;
 * -31 <= shift <= 30, and x * 2**shift must fit in 32 bits. */
static inline int32_t et_multiply(int32_t x, int32_t multiplier, int32_t shift)
{
    if (shift >= 0) {
        return et_multiply_high((int32_t)((uint32_t)x << shift), multiplier);
    }
    int32_t high = et_multiply_high(x, multiplier);
    high += high >> 31; /* half away from zero: half up, of one less where negative */
    return ((high >> (-shift - 1)) + 1) >> 1;
}

static inline int8_t et_clamp(int32_t value, int32_t low, int32_t high)
{
    value = value < low ? low : value;
    return (int8_t)(value > high ? high : value);
}

#define ET_REQUANTIZED 16 /* at once, where an output position has so many */

/* Outputs y of channels first .. first + n - 1, from their sums of products. */
void et_requantize(const et_quantization *q, uint32_t first, uint32_t n,
                   const int32_t *restrict bias, const int32_t *restrict acc, int8_t *restrict y);

#endif
