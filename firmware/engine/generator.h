/* The random generator: xoroshiro64** (Blackman and Vigna).  docs/numerics.md section 6. */
#ifndef ET_GENERATOR_H
#define ET_GENERATOR_H

#include <stdint.h>

#define ET_MIX_FIRST 0x85EBCA6Bu
#define ET_MIX_SECOND 0xC2B2AE35u

static inline uint32_t et_mix32_by(uint32_t x, uint32_t first, uint32_t second)
{
    x = (x ^ (x >> 16)) * first;
    x = (x ^ (x >> 13)) * second;
    return x ^ (x >> 16);
}

/* MurmurHash3's 32-bit finaliser, a bijection on 32-bit words. */
static inline uint32_t et_mix32(uint32_t x)
{
    return et_mix32_by(x, ET_MIX_FIRST, ET_MIX_SECOND);
}

/* et_mix32(a) - et_mix32(b).  The compiler is not to work one factor out of the other. */
static inline uint32_t et_mix32_difference(uint32_t a, uint32_t b)
{
    uint32_t first = ET_MIX_FIRST, second = ET_MIX_SECOND;
    __asm__("" : "+r"(first));
    __asm__("" : "+r"(second));
    return et_mix32_by(a, first, second) - et_mix32_by(b, first, second);
}

void et_generator_start(uint32_t state[2], uint32_t seed);
uint32_t et_generator_next(uint32_t state[2]);

/* Uniform in 0 .. total - 1: floor(word * total / 2**32). */
uint64_t et_generator_below(uint32_t state[2], uint64_t total);

#endif
