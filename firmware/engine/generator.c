#include "generator.h"

static uint32_t rotate_left(uint32_t x, uint32_t k)
{
    return (x << k) | (x >> (32 - k));
}

void et_generator_start(uint32_t state[2], uint32_t seed)
{
    /* Two different inputs of a bijection are never both zero, the one bad state. */
    state[0] = et_mix32(seed + 0x9E3779B9u);
    state[1] = et_mix32(seed + 2u * 0x9E3779B9u);
}

uint32_t et_generator_next(uint32_t state[2])
{
    uint32_t s0 = state[0], s1 = state[1] ^ s0;
    state[0] = rotate_left(s0, 26) ^ s1 ^ (s1 << 9);
    state[1] = rotate_left(s1, 13);
    return rotate_left(s0 * 0x9E3779BBu, 5) * 5u;
}

uint64_t et_generator_below(uint32_t state[2], uint64_t total)
{
    uint64_t word = et_generator_next(state);
    uint64_t low = word * (uint32_t)total;
    return word * (uint32_t)(total >> 32) + (low >> 32);
}
