#include "row_mass.h"

#include "dsp.h"

typedef struct {
    uint64_t mass, squares;
} sums;

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

/* Two magnitudes, each below 2^31, add up to less than 2^32. */
static inline __attribute__((always_inline)) sums add_up(const int32_t *g, uint32_t count,
                                                         uint32_t square_shift)
{
    sums s = {0, 0};
    uint32_t one = 1;
#ifdef __thumb2__
    __asm__("" : "+r"(one));
#endif
    for (const int32_t *end = g + (count & ~1u); g != end; g += 2) {
        uint32_t a = et_absolute(g[0]), b = et_absolute(g[1]);
        add_product(&s.mass, a + b, one);
        add_square(&s.squares, a, square_shift);
        add_square(&s.squares, b, square_shift);
    }
    if (count & 1) {
        uint32_t a = et_absolute(*g);
        s.mass += a;
        add_square(&s.squares, a, square_shift);
    }
    return s;
}

uint64_t et_row_mass(const et_trained *layer, const int32_t *gradient, uint64_t *squares)
{
    uint32_t count = layer->row_size + 1, shift = et_rule_square_shift(layer->rule);
    sums s = shift ? add_up(gradient, count, shift) : add_up(gradient, count, 0);
    *squares += s.squares;
    return s.mass + et_rule_added(layer, count);
}
