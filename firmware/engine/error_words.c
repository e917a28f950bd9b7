#include "error_words.h"

#include "error_block.h"

int et_error_passes(et_clip clip)
{
    return clip.low < 127 && clip.high > -128 && clip.low + 1 < clip.high;
}

et_error_words et_error_words_open(int8_t *e, uint32_t size, et_clip clip)
{
    et_error_words block = {
        e,    e + size,       0, 0, et_four_bytes(clip.low + 1), et_four_bytes(clip.high),
        clip, clip.high > 127};
    return block;
}

/* 16 bytes at a time, up to end. */
#ifdef ET_DSP_LOOPS

#define HALVE(word) "and %[t], %[ones], " word ", lsr #7\n\tshadd8 " word ", " word ", %[t]\n\t"

static void halve(int8_t *e, const int8_t *end)
{
    uint32_t ones = 0x01010101u, t;
    if (e == end) {
        return;
    }
    __asm__ volatile("1:\n\t"
                     "ldm %[e], {r4-r7}\n\t" HALVE("r4") HALVE("r5") HALVE("r6")
                         HALVE("r7") "stm %[e]!, {r4-r7}\n\t"
                                     "cmp %[e], %[end]\n\t"
                                     "bne 1b"
                     : [e] "+&r"(e), [t] "=&r"(t)
                     : [end] "r"(end), [ones] "r"(ones)
                     : "r4", "r5", "r6", "r7", "cc", "memory");
}

#else

/* Bytes toward zero: a negative odd one takes one more.  Sums that reach a byte's sign go no
 * further than it. */
ET_DSP_INLINE uint32_t halved(uint32_t word)
{
    uint32_t more = word & word >> 7 & 0x01010101u;
    return ((word >> 1 & 0x7F7F7F7Fu) + more) ^ (word & 0x80808080u);
}

static void halve(int8_t *e, const int8_t *end)
{
    for (uint32_t *word = __builtin_assume_aligned(e, 4); word != (const void *)end; word++) {
        et_store_word(word, halved(et_load_word(word)));
    }
}

#endif

/* start: 4-byte aligned, as all errors are. */
static void halve_all(const et_error_words *block, uint32_t times)
{
    int8_t *const end = block->end - (block->end - block->start) % 16;
    for (uint32_t i = times; i; i--) {
        halve(block->start, end);
    }
    for (int8_t *e = end; e < block->end; e++) {
        *e = et_with_sign(et_magnitude(*e) >> times, *e);
    }
}

static int passes(et_clip clip, int32_t value)
{
    return value > clip.low && value < clip.high;
}

void et_error_words_grow(et_error_words *block, const int32_t *acc, const int8_t *x, uint32_t n)
{
    uint32_t most = 0, more = 0;
    for (uint32_t k = 0; k < n; k++) {
        most |= passes(block->clip, x[k]) ? et_magnitude(acc[k]) : 0;
    }
    while ((most >> (block->shift + more)) > 127) {
        more++;
    }
    if (more) {
        halve_all(block, more < 8 ? more : 7);
        block->shift += more;
        block->round = (int32_t)((1u << block->shift) - 1);
    }
}

#ifndef ET_MVE_LOOPS

void et_error_words_put_4(et_error_words *block, const int32_t *a, const int8_t *x, int8_t *e)
{
    et_error_words_put(block, a[0], a[1], a[2], a[3], x, e);
}

#endif

void et_error_words_put_few(et_error_words *block, const int32_t *acc, const int8_t *x, int8_t *e,
                            uint32_t n)
{
    et_error_words_grow(block, acc, x, n);
    for (uint32_t k = 0; k < n; k++) {
        int32_t mantissa = et_error_mantissa(acc[k], block->round, block->shift);
        e[k] = (int8_t)(passes(block->clip, x[k]) ? mantissa : 0);
    }
}
