#include "requantize.h"

#include "vectors.h"

#ifdef ET_MVE_LOOPS

/* Four at a time, as et_outputs_put_four does it. */
void et_requantize(const et_quantization *q, uint32_t first, uint32_t n,
                   const int32_t *restrict bias, const int32_t *restrict acc, int8_t *restrict y)
{
    const int32_t *multiplier = q->multiplier + first;
    const int8_t *shift = q->shift + first;
    int32x4_t least = vdupq_n_s32(q->activation_min), most = vdupq_n_s32(q->activation_max);
    int32x4_t none = vdupq_n_s32(0);
    bias += first;
    y += first;
    __asm__ volatile("dlstp.32 lr, %[n]\n"
                     "1:\n\t"
                     "vldrw.32 q0, [%[acc]], #16\n\t"
                     "vldrw.32 q1, [%[bias]], #16\n\t"
                     "vadd.i32 q0, q0, q1\n\t"
                     "vldrb.s32 q1, [%[shift]], #4\n\t" /* left */
                     "vmax.s32 q2, q1, %q[none]\n\t"
                     "vshl.s32 q0, q0, q2\n\t"
                     "vldrw.32 q2, [%[multiplier]], #16\n\t"
                     "vqrdmulh.s32 q0, q0, q2\n\t"
                     "vmin.s32 q1, q1, %q[none]\n\t" /* right */
                     "vand q2, q0, q1\n\t"
                     "vshr.s32 q2, q2, #31\n\t"
                     "vadd.i32 q0, q0, q2\n\t"
                     "vrshl.s32 q0, q0, q1\n\t"
                     "vadd.i32 q0, q0, %[zero_point]\n\t"
                     "vmax.s32 q0, q0, %q[least]\n\t"
                     "vmin.s32 q0, q0, %q[most]\n\t"
                     "vstrb.32 q0, [%[y]], #4\n\t"
                     "letp lr, 1b"
                     : [acc] "+&r"(acc), [bias] "+&r"(bias), [shift] "+&l"(shift),
                       [multiplier] "+&r"(multiplier), [y] "+&l"(y)
                     : [n] "r"(n), [zero_point] "r"((int32_t)q->output_zero_point),
                       [least] "w"(least), [most] "w"(most), [none] "w"(none)
                     : "q0", "q1", "q2", "lr", "memory");
}

#else

/* A state from anywhere may hold any bias: sums wrap. */
static int32_t wrapping_sum(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

void et_requantize(const et_quantization *q, uint32_t first, uint32_t n,
                   const int32_t *restrict bias, const int32_t *restrict acc, int8_t *restrict y)
{
    const int32_t *restrict multiplier = q->multiplier + first;
    const int8_t *restrict shift = q->shift + first;
    int32_t zero_point = q->output_zero_point;
    int32_t low = q->activation_min, high = q->activation_max;
    bias += first;
    for (int8_t *end = y + first + n, *out = y + first; out != end;) {
        int32_t value = et_multiply(wrapping_sum(*bias++, *acc++), *multiplier++, *shift++);
        value = wrapping_sum(value, zero_point);
        value = value < low ? low : value;
        *out++ = (int8_t)(value > high ? high : value);
    }
}

#endif
