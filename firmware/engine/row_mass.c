#include "row_mass.h"

#include "error_block.h"

typedef struct {
    uint64_t mass, squares;
} sums;

/* Two magnitudes, each below 2^31, add up to less than 2^32. */
static inline __attribute__((always_inline)) sums add_up(const int32_t *g, uint32_t count,
                                                         uint32_t square_shift)
{
    sums s = {0, 0};
    for (const int32_t *end = g + (count & ~1u); g != end; g += 2) {
        uint32_t a = et_magnitude(g[0]), b = et_magnitude(g[1]);
        s.mass += a + b;
        s.squares += et_rule_square(a, square_shift);
        s.squares += et_rule_square(b, square_shift);
    }
    if (count & 1) {
        uint32_t a = et_magnitude(*g);
        s.mass += a;
        s.squares += et_rule_square(a, square_shift);
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
