/* Copies whole words, four at a time: a libc for size moves single bytes. */
#ifndef ET_COPY_WORDS_H
#define ET_COPY_WORDS_H

#include <stdint.h>

typedef uint32_t __attribute__((may_alias)) et_word;

/* bytes: a multiple of 4; both 4-byte aligned, apart from each other. */
static inline void et_copy_words(void *to, const void *from, uint32_t bytes)
{
    et_word *out = (et_word *)to;
    const et_word *in = (const et_word *)from;
    uint32_t words = bytes / 4u;
    for (; words >= 4u; words -= 4u, in += 4, out += 4) {
        et_word a = in[0], b = in[1], c = in[2], d = in[3];
        out[0] = a;
        out[1] = b;
        out[2] = c;
        out[3] = d;
    }
    while (words-- > 0u) {
        *out++ = *in++;
    }
}

#endif
