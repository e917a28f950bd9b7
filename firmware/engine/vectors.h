/* The vectors of MVE (Helium).  Without them what is here is plain C, so that the PC runs the
 * kernels that are made of it.  ET_VECTORS: kernels that the DSP extension serves too take vectors
 * for their innermost loops. */
#ifndef ET_VECTORS_H
#define ET_VECTORS_H

#include "dsp.h"

#if defined(__ARM_FEATURE_MVE) && defined(ET_DSP_LOOPS)
#define ET_MVE_LOOPS
#ifndef ET_VECTORS
#define ET_VECTORS
#endif
#include <arm_mve.h>
#endif

#ifdef ET_MVE_LOOPS

#define ET_PICKED 9362 /* bytes: the widest step whose eighth fits into an offset of 16 bits */

/* The sum of count bytes. */
ET_DSP_INLINE int32_t et_sum_bytes(const int8_t *bytes, int32_t count)
{
    register int32_t sum __asm__("r0") = 0;
    __asm__ volatile("dlstp.8 lr, %[count]\n"
                     "1:\n\t"
                     "vldrb.8 q0, [%[bytes]], #16\n\t"
                     "vaddva.s8 %[sum], q0\n\t"
                     "letp lr, 1b"
                     : [bytes] "+r"(bytes), [sum] "+r"(sum)
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
                     : [to] "+r"(to)
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
                     : [from] "+r"(from), [to] "+l"(to)
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
                     : [from] "+r"(from), [to] "+r"(to), [sum] "+r"(sum)
                     : [count] "r"(count)
                     : "q0", "lr", "memory");
    for (; count < room; count++) {
        *behind++ = 0;
    }
    return sum;
}

#else

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
