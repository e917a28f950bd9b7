/* What the gradient of a convolution is summed from, and its innermost sums: pairs of halves, or
 * bytes, a lane a channel, for vectors and for cores without the DSP extension. */
#ifndef ET_OPERANDS_DSP_H
#define ET_OPERANDS_DSP_H

#include "dsp.h"
#include "vectors.h"

#ifdef ET_VECTORS

typedef int8_t operand; /* of a position; what belongs to a channel lies in a lane */

#define TOGETHER 1 /* positions of an operand */

#else

typedef uint32_t operand; /* a pair of positions; four channels lie one behind the other */

#define TOGETHER 2

/* Two rows meet four weights of each in eight sums.  For each pair of positions
 *
 *     e    row 0, row 1          one LDRD
 *     x    weight 0 to 3         two LDRD
 *     row 0:  r4 to r7  += e0 * x0 to x3        one SMLAD each
 *     row 1:  r8 to r11 += e1 * x0 to x3
 *
 * 16 products in 11 instructions, four pairs a turn, whose first loads move x and e on; one or two
 * that are left go first.  Both operands lie four values a pair. */
#ifdef ET_DSP_LOOPS

#define PAIR(x0, x2, e)                                                                           \
    "ldrd r0, r12, [%[e]" e "\n\tldrd r3, lr, [%[x]" x0 "\n\t"                                    \
    "smlad r4, r3, r0, r4\n\tsmlad r5, lr, r0, r5\n\t"                                            \
    "smlad r8, r3, r12, r8\n\tsmlad r9, lr, r12, r9\n\t"                                          \
    "ldrd r3, lr, [%[x]" x2 "\n\t"                                                                \
    "smlad r6, r3, r0, r6\n\tsmlad r7, lr, r0, r7\n\t"                                            \
    "smlad r10, r3, r12, r10\n\tsmlad r11, lr, r12, r11\n\t"

#define LAST_PAIR PAIR(", #-16]", ", #-8]", ", #-16]")

static void sum_pairs(int32_t *row, int32_t *next, const operand *x, const operand *e,
                      int32_t pairs)
{
    const uint32_t *end = x + 4 * pairs;
    __asm__ volatile("ldr r0, %[row]\n\t"
                     "ldr r12, %[next]\n\t"
                     "ldm r0, {r4-r7}\n\t"
                     "ldm r12, {r8-r11}\n\t"
                     "ldr r3, %[pairs]\n\t"
                     "lsls r3, r3, #31\n\t"
                     "beq 1f\n\t" PAIR("], #16", ", #-8]", "], #16") /* one */
                     "1:\n\t"
                     "ldr r3, %[pairs]\n\t"
                     "lsls r3, r3, #30\n\t"
                     "bpl 2f\n\t" PAIR("], #32", ", #-24]", "], #32") LAST_PAIR /* two */
                     "2:\n\t"
                     "ldr r3, %[end]\n\t"
                     "cmp %[x], r3\n\t"
                     "beq 4f\n"
                     "3:\n\t" PAIR("], #64", ", #-56]", "], #64")
                         PAIR(", #-48]", ", #-40]", ", #-48]")
                             PAIR(", #-32]", ", #-24]", ", #-32]") LAST_PAIR "ldr r3, %[end]\n\t"
                                                                             "cmp %[x], r3\n\t"
                                                                             "bne 3b\n"
                                                                             "4:\n\t"
                                                                             "ldr r0, %[row]\n\t"
                                                                             "ldr r12, %[next]\n\t"
                                                                             "stm r0, {r4-r7}\n\t"
                                                                             "stm r12, {r8-r11}"
                     : [x] "+&r"(x), [e] "+&r"(e)
                     : [row] "m"(row), [next] "m"(next), [end] "m"(end), [pairs] "m"(pairs)
                     : "r0", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr",
                       "cc", "memory");
}

#else

static void sum_pairs(int32_t *row, int32_t *next, const operand *x, const operand *e,
                      int32_t pairs)
{
    for (; pairs; pairs--, x += 4, e += 4) {
        for (int32_t k = 0; k < 4; k++) {
            row[k] = et_mac_halves(x[k], e[0], row[k]);
            next[k] = et_mac_halves(x[k], e[1], next[k]);
        }
    }
}

#endif

#endif

#endif
