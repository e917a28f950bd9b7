/* Armv6-M: no 64-bit product, and eight registers that a multiplication reaches.  Innermost loops
 * keep their sums in r8 to r11, which additions reach.  clang takes their plain twins. */
#ifndef ET_ARMV6M_H
#define ET_ARMV6M_H

#if defined(__ARM_ARCH_6M__) && !defined(__clang__)
#define ET_ARMV6M_LOOPS
#endif

#ifdef ET_ARMV6M_LOOPS

/* A function that is nothing but assembly.  Its fifth argument lies at sp + ET_ARMV6M_FRAME. */
#define ET_ARMV6M_FUNCTION __attribute__((naked, noinline))
#define ET_ARMV6M_FRAME "#36"
#define ET_ARMV6M_SIXTH "#40"
#define ET_ARMV6M_ENTER                                                                           \
    ".syntax unified\n\tpush {r4-r7, lr}\n\t"                                                     \
    "mov r4, r8\n\tmov r5, r9\n\tmov r6, r10\n\tmov r7, r11\n\t"                                  \
    "push {r4-r7}\n\t"
#define ET_ARMV6M_LEAVE                                                                           \
    "pop {r4-r7}\n\t"                                                                             \
    "mov r8, r4\n\tmov r9, r5\n\tmov r10, r6\n\tmov r11, r7\n\t"                                  \
    "pop {r4-r7, pc}"

/* Four sums at r4: from r5 to r7 on their way to r8 to r11, and back from r0 to r3. */
#define ET_ARMV6M_LOAD_SUMS                                                                       \
    "ldmia r4!, {r5, r6, r7}\n\t"                                                                 \
    "mov r8, r5\n\tmov r9, r6\n\tmov r10, r7\n\t"                                                 \
    "ldr r5, [r4]\n\tmov r11, r5\n\t"
#define ET_ARMV6M_STORE_SUMS                                                                      \
    "mov r0, r8\n\tmov r1, r9\n\tmov r2, r10\n\tmov r3, r11\n\t"                                  \
    "stmia r4!, {r0-r3}\n\t"

#endif
#endif
