/* ADD and SUB by the DSP extension.  Operands and sums stay below 2**28 (docs/numerics.md section
 * 8), so that twice them fits and SMMULR is et_multiply_high. */
#include "add_dsp.h"

#include "dsp.h"
#include "requantize.h"

/* et_multiply of half of twice, by a shift of -right. */
ET_DSP_INLINE int32_t multiplied(int32_t twice, int32_t multiplier, int32_t right)
{
    int32_t high = et_high_rounded(twice, multiplier);
    if (right > 0) {
        high += high >> 31;
        high = ((high >> (right - 1)) + 1) >> 1;
    }
    return high;
}

ET_DSP_INLINE int32_t on_the_sums_scale(const et_term *term, int32_t value)
{
    int32_t twice = (value - term->zero_point) * (1 << 21);
    return term->sign * multiplied(twice, term->multiplier, -term->shift);
}

static void add_values(const et_add *p, const int8_t *x, const int8_t *other, uint32_t count,
                       int8_t *y)
{
    const et_term one = p->terms[0], two = p->terms[1]; /* in registers, which stores through y */
    const int8_t *last = x + count;                     /* cannot change */
    int32_t multiplier = p->multiplier, right = -p->shift, zero_point = p->output_zero_point;
    int32_t low = p->activation_min, high = p->activation_max;
    while (x != last) {
        int32_t sum = on_the_sums_scale(&one, *x++) + on_the_sums_scale(&two, *other++);
        *y++ = et_clamp(multiplied(2 * sum, multiplier, right) + zero_point, low, high);
    }
}

void et_add_dsp_forward(const et_add *p, const int8_t *x, const int8_t *other, int8_t *y)
{
    for (uint32_t i = 0; i < p->count; i += p->period) {
        add_values(p, x + i, other, p->period, y + i);
    }
}
