/* LOG_SOFTMAX over one vector: its sum's logarithm in fixed point, and the distances to it. */
#include "requantize.h"
#include "softmax.h"

#define STEP 22 /* bits of a difference that one step of the output covers */

static int32_t doubled(int32_t x, int32_t times)
{
    int32_t most = INT32_MAX >> times;
    if (x > most) {
        return INT32_MAX;
    }
    return x < -most ? INT32_MIN : (int32_t)((uint32_t)x << times);
}

/* Rounded half away from zero. */
static int32_t halved(int32_t x, int32_t times)
{
    x += x >> 31;
    return ((x >> (times - 1)) + 1) >> 1;
}

static int32_t leading_zeros(uint32_t x)
{
    int32_t zeros = 0;
    for (; x < 0x80000000u; x <<= 1) {
        zeros++;
    }
    return zeros;
}

static int32_t half_sum(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a + b + 1) >> 1);
}

/* 1 / (1 + x), Q0.31: three steps of Newton's method. */
static int32_t inverse(int32_t x)
{
    int32_t half = half_sum(x, INT32_MAX);
    int32_t y = 1515870810 + et_multiply_high(half, -1010580540);
    for (uint32_t i = 0; i < 3; i++) {
        y += doubled(et_multiply_high(y, (1 << 29) - et_multiply_high(half, y)), 2);
    }
    return doubled(y, 1);
}

/* ln(x / 2**19) of x >= 2**19, Q5.26. */
static int32_t logarithm(int32_t x)
{
    const int32_t root_of_half = 1518500250, fourth_root_of_half = 1805811301;
    int32_t zeros = leading_zeros((uint32_t)x);
    int32_t one = doubled(et_multiply_high(doubled(x, zeros - 1), root_of_half), 1);
    int32_t room = leading_zeros((uint32_t)et_multiply_high(x, root_of_half)) - 1;
    int32_t other = doubled(x, room);
    int32_t power = (12 - zeros) * (1 << 25) + (1 << 23);
    int32_t other_power = (12 - room) * (1 << 25) - (1 << 23);
    power = other_power > power ? other_power : power;
    int32_t r = other < one ? other : one;
    int32_t p = half_sum(r, fourth_root_of_half), q = (r - fourth_root_of_half) * 2;
    int32_t square = et_multiply_high(q, q);
    int32_t top =
        et_multiply_high(q, r) + et_multiply_high(et_multiply_high(q, square), 117049297);
    int32_t bottom = et_multiply_high(p, 1057819769 + q + et_multiply_high(127690142, square)) +
                     et_multiply_high(638450708, q);
    int32_t fraction = et_multiply_high(halved(top, 6), inverse(bottom));
    return doubled(et_multiply_high(power, 1488522236) + fraction, 1);
}

/* int8 of scale 1/16 and zero point 127. */
void et_log_softmax_forward(const et_log_softmax *p, uint32_t classes, const int8_t *x, int8_t *y)
{
    int32_t most = et_largest(x, classes), sum = 0;
    for (uint32_t i = 0; i < classes; i++) {
        sum += (int32_t)et_exponential_of(&p->exponential, most - x[i]);
    }
    int32_t total = logarithm(sum);
    int32_t least = et_multiply(total + INT32_MIN, p->back_multiplier, p->back_shift);
    least = least > p->least ? least : p->least;
    for (uint32_t i = 0; i < classes; i++) {
        int32_t below = x[i] - most;
        int32_t value = -128;
        if (below > least) {
            value = halved(et_multiply(below, p->multiplier, p->shift) - total, STEP) + 127;
        }
        y[i] = et_clamp(value, -128, 127);
    }
}
