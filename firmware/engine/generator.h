/* The random generator: xoroshiro64** (Blackman and Vigna).  docs/numerics.md section 6. */
#ifndef ET_GENERATOR_H
#define ET_GENERATOR_H

#include <stdint.h>

/* MurmurHash3's 32-bit finaliser, a bijection on 32-bit words. */
static inline uint32_t et_mix32(uint32_t x)
{
    x = (x ^ (x >> 16)) * 0x85EBCA6Bu;
    x = (x ^ (x >> 13)) * 0xC2B2AE35u;
    return x ^ (x >> 16);
}

void et_generator_start(uint32_t state[2], uint32_t seed);
uint32_t et_generator_next(uint32_t state[2]);

/* Uniform in 0 .. total - 1: floor(word * total / 2**32). */
uint64_t et_generator_below(uint32_t state[2], uint64_t total);

#endif
