#include "row_mass.h"

#include "dsp.h"
#include "vectors.h"

/* squares: of all rows up to this one, as `before` has those of the rows before it. */
typedef struct {
    uint64_t mass, squares;
} sums;

#ifdef ET_MVE_LOOPS

/* Four at a time. */
static sums add_up(const int32_t *g, uint32_t count, uint32_t square_shift, uint64_t before)
{
    register uint32_t mass __asm__("r0") = 0, mass_high __asm__("r1") = 0;
    register uint32_t squares __asm__("r2") = (uint32_t)before;
    register uint32_t squares_high __asm__("r3") = (uint32_t)(before >> 32);
    __asm__ volatile("dlstp.32 lr, %[count]\n"
                     "1:\n\t"
                     "vldrw.32 q0, [%[g]], #16\n\t"
                     "vabs.s32 q0, q0\n\t"
                     "vaddlva.u32 %[mass], %[mass_high], q0\n\t"
#ifdef ET_RULE_SQUARES
                     "vshl.u32 q0, %[right]\n\t"
                     "vmlaldava.u32 %[squares], %[squares_high], q0, q0\n\t"
#endif
                     "letp lr, 1b"
                     : [g] "+&r"(g), [mass] "+&r"(mass), [mass_high] "+&r"(mass_high),
                       [squares] "+&r"(squares), [squares_high] "+&r"(squares_high)
                     : [count] "r"(count), [right] "r"(-(int32_t)square_shift)
                     : "q0", "lr", "memory");
    sums s = {(uint64_t)mass_high << 32 | mass, (uint64_t)squares_high << 32 | squares};
    return s;
}

#else

/* *sum += a * b.  The compiler would add up products of a pair first, and move sums about. */
static inline __attribute__((always_inline)) void add_product(uint64_t *sum, uint32_t a,
                                                              uint32_t b)
{
#ifdef __thumb2__
    __asm__("umlal %Q0, %R0, %1, %2" : "+r"(*sum) : "r"(a), "r"(b));
#else
    *sum += (uint64_t)a * b;
#endif
}

static inline __attribute__((always_inline)) void add_square(uint64_t *sum, uint32_t magnitude,
                                                             uint32_t shift)
{
#ifdef ET_RULE_SQUARES
    add_product(sum, magnitude >> shift, magnitude >> shift);
#else
    (void)sum, (void)magnitude, (void)shift;
#endif
}

/* Eights where squares need no shift, as they do only over a thousand positions and more.  Cores
 * of short instructions have a loop for each. */
#if defined(__thumb2__) && !defined(__clang__)

/* Four magnitudes, of pairs below 2^32; with squares each is below 2^30, of which bit 30 is what
 * the complement of a negative one lacks, and goes out as the carry. */
#ifdef ET_RULE_SQUARES
#define ADD_FOUR                                                                                  \
    "ldmia %[g]!, {r8, r9, r10, r11}\n\t"                                                         \
    "smlal %Q[squares], %R[squares], r8, r8\n\t"                                                  \
    "smlal %Q[squares], %R[squares], r9, r9\n\t"                                                  \
    "smlal %Q[squares], %R[squares], r10, r10\n\t"                                                \
    "smlal %Q[squares], %R[squares], r11, r11\n\t"                                                \
    "eors r8, r8, r8, asr #31\n\tadc r8, r8, #0\n\t"                                              \
    "eors r9, r9, r9, asr #31\n\tadc r8, r8, r9\n\t"                                              \
    "eors r10, r10, r10, asr #31\n\tadc r8, r8, r10\n\t"                                          \
    "eors r11, r11, r11, asr #31\n\tadc r8, r8, r11\n\t"                                          \
    "umlal %Q[mass], %R[mass], r8, %[one]\n\t"
#else
#define ABSOLUTE(g, room)                                                                         \
    "add " room ", " g ", " g ", asr #31\n\teor " g ", " room ", " g ", asr #31\n\t"
#define ADD_FOUR                                                                                  \
    "ldmia %[g]!, {r8, r9, r10, r11}\n\t" ABSOLUTE("r8", "r12") ABSOLUTE("r9", "r12")             \
        ABSOLUTE("r10", "r12") ABSOLUTE("r11", "r12") "add r8, r8, r9\n\t"                        \
                                                      "add r10, r10, r11\n\t"                     \
                                                      "umlal %Q[mass], %R[mass], r8, %[one]\n\t"  \
                                                      "umlal %Q[mass], %R[mass], r10, %[one]\n\t"
#endif

static inline const int32_t *add_eights(const int32_t *g, uint32_t count, sums *s)
{
    const int32_t *end = g + (count & ~7u);
    if (g != end) {
        __asm__ volatile("1:\n\t" ADD_FOUR ADD_FOUR "cmp %[g], %[end]\n\t"
                         "bne 1b"
                         : [g] "+&r"(g), [mass] "+&r"(s->mass), [squares] "+&r"(s->squares)
                         : [end] "r"(end), [one] "r"(1)
                         : "r8", "r9", "r10", "r11", "r12", "cc", "memory");
    }
    return g;
}

static sums add_up(const int32_t *g, uint32_t count, uint32_t square_shift, uint64_t before)
{
    const int32_t *end = g + count;
    sums s = {0, before};
    if (square_shift == 0) {
        g = add_eights(g, count, &s);
    }
    for (; g != end; g++) {
        s.mass += et_absolute(*g);
        add_square(&s.squares, et_absolute(*g), square_shift);
    }
    return s;
}

#else

static inline __attribute__((always_inline)) sums add_all(const int32_t *g, uint32_t count,
                                                          uint32_t square_shift, uint64_t before)
{
    sums s = {0, before};
    for (const int32_t *end = g + (count & ~1u); g != end; g += 2) {
        uint32_t first = et_absolute(g[0]), second = et_absolute(g[1]);
        add_product(&s.mass, first + second, 1);
        add_square(&s.squares, first, square_shift);
        add_square(&s.squares, second, square_shift);
    }
    if (count & 1) {
        s.mass += et_absolute(*g);
        add_square(&s.squares, et_absolute(*g), square_shift);
    }
    return s;
}

static inline __attribute__((always_inline)) sums add_up(const int32_t *g, uint32_t count,
                                                         uint32_t square_shift, uint64_t before)
{
    return square_shift ? add_all(g, count, square_shift, before) : add_all(g, count, 0, before);
}

#endif

#endif

uint64_t et_row_mass(const et_trained *layer, const int32_t *gradient, uint64_t *squares)
{
    uint32_t count = layer->row_size + 1, shift = et_rule_square_shift(layer->rule);
    sums s = add_up(gradient, count, shift, *squares);
    *squares = s.squares;
    return s.mass + et_rule_added(layer, count);
}
