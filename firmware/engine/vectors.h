/* The vectors of MVE (Helium).  Without them what is here is plain C, so that cores without the DSP
 * extension and the PC run the kernels that are made of it.  ET_VECTORS, which the build defines
 * where the plan counts on it: kernels that the DSP extension serves too take vectors, or their
 * plain C, for their innermost loops, and bytes for what they keep. */
#ifndef ET_VECTORS_H
#define ET_VECTORS_H

#include "dot.h"
#include "dsp.h"

#if defined(__ARM_FEATURE_MVE) && defined(ET_DSP_LOOPS)
#define ET_MVE_LOOPS
#include <arm_mve.h>
#endif

#ifdef ET_MVE_LOOPS

#define ET_PICKED 9362 /* bytes: the widest step whose eighth fits into an offset of 16 bits */

/* Four lanes at w, stride apart, and what their products with x add to: VMLADAVA adds to even
 * registers only.  Of 16 values at a time one load of x, then one of each lane and a VMLADAVA; the
 * last ones are predicated. */
#define ET_LANES(w, stride, start)                                                                \
    const int8_t *w0 = (w), *w1 = w0 + (stride), *w2 = w1 + (stride), *w3 = w2 + (stride);        \
    register int32_t s0 __asm__("r0") = (start)[0], s1 __asm__("r2") = (start)[1];                \
    register int32_t s2 __asm__("r4") = (start)[2], s3 __asm__("r6") = (start)[3]
#define ET_LANE(w, sum) "vldrb.8 q1, [%[" w "]], #16\n\tvmladava.s8 %[" sum "], q0, q1\n\t"
#define ET_SUM_LANES                                                                              \
    "vldrb.8 q0, [%[x]], #16\n\t" ET_LANE("w0", "s0") ET_LANE("w1", "s1") ET_LANE("w2", "s2")     \
        ET_LANE("w3", "s3")
#define ET_LANE_OPERANDS                                                                          \
    [x] "+&r"(x), [w0] "+&r"(w0), [w1] "+&r"(w1), [w2] "+&r"(w2), [w3] "+&r"(w3), [s0] "+&r"(s0), \
        [s1] "+&r"(s1), [s2] "+&r"(s2), [s3] "+&r"(s3)

/* sums[k] = start[k] + the products of count values at x and at w + k * stride; k < 4. */
ET_DSP_INLINE void et_sum_lanes(const int8_t *x, const int8_t *w, int32_t stride, int32_t count,
                                const int32_t *start, int32_t *sums)
{
    ET_LANES(w, stride, start);
    __asm__ volatile("dlstp.8 lr, %[count]\n"
                     "1:\n\t" ET_SUM_LANES "letp lr, 1b\n\t"
                     "strd %[s0], %[s1], [%[sums]]\n\t"
                     "strd %[s2], %[s3], [%[sums], #8]"
                     : ET_LANE_OPERANDS
                     : [count] "r"(count), [sums] "r"(sums)
                     : "q0", "q1", "lr", "memory");
}

/* The sum of count bytes. */
ET_DSP_INLINE int32_t et_sum_bytes(const int8_t *bytes, int32_t count)
{
    register int32_t sum __asm__("r0") = 0;
    __asm__ volatile("dlstp.8 lr, %[count]\n"
                     "1:\n\t"
                     "vldrb.8 q0, [%[bytes]], #16\n\t"
                     "vaddva.s8 %[sum], q0\n\t"
                     "letp lr, 1b"
                     : [bytes] "+&r"(bytes), [sum] "+&r"(sum)
                     : [count] "r"(count)
                     : "q0", "lr", "memory");
    return sum;
}

/* count bytes of one value. */
ET_DSP_INLINE void et_fill_bytes(int8_t *to, int32_t value, int32_t count)
{
    __asm__ volatile("vdup.8 q0, %[value]\n\t"
                     "dlstp.8 lr, %[count]\n"
                     "1:\n\t"
                     "vstrb.8 q0, [%[to]], #16\n\t"
                     "letp lr, 1b"
                     : [to] "+&r"(to)
                     : [value] "r"(value), [count] "r"(count)
                     : "q0", "lr", "memory");
}

/* count bytes, step apart, one behind the other: eight at a time. */
ET_DSP_INLINE void et_pick_bytes(const int8_t *from, int32_t step, int32_t count, int8_t *to)
{
    if (step > ET_PICKED) {
        for (; count > 0; count--, from += step) {
            *to++ = *from;
        }
        return;
    }
    uint16x8_t places = vmulq_n_u16(vidupq_n_u16(0, 1), (uint16_t)step);
    __asm__ volatile("dlstp.16 lr, %[count]\n"
                     "1:\n\t"
                     "vldrb.u16 q0, [%[from], %q[places]]\n\t"
                     "vstrb.16 q0, [%[to]], #8\n\t"
                     "add %[from], %[step]\n\t"
                     "letp lr, 1b"
                     : [from] "+&r"(from), [to] "+&l"(to)
                     : [places] "w"(places), [step] "r"(8 * step), [count] "r"(count)
                     : "q0", "lr", "memory");
}

/* count bytes, then zeros up to room of them; returns the bytes' sum. */
ET_DSP_INLINE int32_t et_copy_summed(int8_t *to, const int8_t *from, int32_t count, int32_t room)
{
    register int32_t sum __asm__("r0") = 0;
    int8_t *behind = to + count;
    __asm__ volatile("dlstp.8 lr, %[count]\n"
                     "1:\n\t"
                     "vldrb.8 q0, [%[from]], #16\n\t"
                     "vaddva.s8 %[sum], q0\n\t"
                     "vstrb.8 q0, [%[to]], #16\n\t"
                     "letp lr, 1b"
                     : [from] "+&r"(from), [to] "+&r"(to), [sum] "+&r"(sum)
                     : [count] "r"(count)
                     : "q0", "lr", "memory");
    for (; count < room; count++) {
        *behind++ = 0;
    }
    return sum;
}

#else

ET_DSP_INLINE void et_sum_lanes(const int8_t *x, const int8_t *w, int32_t stride, int32_t count,
                                const int32_t *start, int32_t *sums)
{
    int32_t acc[4] = {start[0], start[1], start[2], start[3]};
    et_dot_4(x, w, (uint32_t)stride, (uint32_t)count, 0, acc);
    sums[0] = acc[0], sums[1] = acc[1], sums[2] = acc[2], sums[3] = acc[3];
}

ET_DSP_INLINE int32_t et_sum_bytes(const int8_t *bytes, int32_t count)
{
    int32_t sum = 0;
    for (; count > 0; count--) {
        sum += *bytes++;
    }
    return sum;
}

ET_DSP_INLINE void et_fill_bytes(int8_t *to, int32_t value, int32_t count)
{
    for (; count > 0; count--) {
        *to++ = (int8_t)value;
    }
}

ET_DSP_INLINE void et_pick_bytes(const int8_t *from, int32_t step, int32_t count, int8_t *to)
{
    for (; count > 0; count--, from += step) {
        *to++ = *from;
    }
}

ET_DSP_INLINE int32_t et_copy_summed(int8_t *to, const int8_t *from, int32_t count, int32_t room)
{
    et_pick_bytes(from, 1, count, to);
    et_fill_bytes(to + count, 0, room - count);
    return et_sum_bytes(to, count);
}

#endif
#endif
