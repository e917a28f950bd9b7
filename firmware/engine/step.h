/* A weight's step. */
#ifndef ET_STEP_H
#define ET_STEP_H

#include "digest.h"
#include "vectors.h"

/* A weight's value after several steps against its gradient's sign, sign times their number. */
static inline int32_t et_moved_weight(int32_t value, int32_t steps)
{
    int32_t moved = value - steps;
    if (__builtin_expect((uint32_t)(moved + 127) > 254, 0)) {
        moved = moved < 0 ? -127 : 127;
    }
    return moved;
}

/* What a step is counted into the digest by.  base: of weights, from which on their addresses are
 * their numbers in the digest, each of which is place_step. */
typedef struct {
    uint32_t place_step, base;
} et_step_words;

static inline uint32_t et_address(const void *pointer)
{
    return (uint32_t)(uintptr_t)pointer;
}

static inline et_step_words et_step_words_of(const et_trained *layer)
{
    et_step_words words = {ET_DIGEST_STRIDE, et_address(layer->weights) - layer->first_index};
    return words;
}

#if defined(__thumb2__) && !defined(__clang__)

#define ET_STEP_LOOPS

/* For loops of assembly: the weight of number r10, whose value r11 is to become lr, is stored and
 * counted into what weights moved by and into the digest; words points behind et_step_words.
 * Labels 3 and 4; r7, r8, r10, r12 and lr change. */
#define ET_STEP_TAKEN                                                                             \
    "add r12, lr, #127\n\t"                                                                       \
    "cmp r12, #254\n\t"                                                                           \
    "bhi 4f\n"                                                                                    \
    "3:\n\t"                                                                                      \
    "ldmdb %[words], {r7, r8}\n\t"                                                                \
    "strb lr, [r8, r10]\n\t"                                                                      \
    "sub lr, lr, r11\n\t"                                                                         \
    "add %[moved], %[moved], lr\n\t"                                                              \
    "mul r10, r10, r7\n\t"                                                                        \
    "eor r7, r10, r10, lsr #16\n\t"                                                               \
    "mul r10, r10, r7\n\t"                                                                        \
    "orr r10, r10, #1\n\t"                                                                        \
    "mla %[digest], r10, lr, %[digest]\n\t"

/* Behind such a loop: a weight goes no further than 127. */
#define ET_STEP_CLAMPED                                                                           \
    "4:\n\t"                                                                                      \
    "cmp lr, #0\n\t"                                                                              \
    "ite ge\n\t"                                                                                  \
    "movge lr, #127\n\t"                                                                          \
    "mvnlt lr, #126\n\t"                                                                          \
    "b 3b\n"

#endif

/* Vectors take steps of a row's weights together: a draw notes them first, each of another weight.
 * Independent draws may come back to a weight, and take each step by itself. */
#if defined(ET_MVE_LOOPS) && !defined(ET_DRAW_INDEPENDENT)

#define ET_NOTED 32u /* steps at most */

/* at: the columns' places in a row of words that begins at first.  sign: of all steps.  moved:
 * what the weights moved by together.  step, and place and place_step in the digest: from column
 * to column of the weights. */
typedef struct {
    const void *at[ET_NOTED];
    int32_t steps[ET_NOTED];
    const void *first;
    int32_t sign, moved;
    int8_t *weights;
    uint32_t step, place, place_step;
} et_noted_steps;

/* Takes count > 0 of them; returns what the digest changes by. */
uint32_t et_step_noted(et_noted_steps *noted, uint32_t count);

#endif

#endif
