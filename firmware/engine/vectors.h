/* The vectors of MVE (Helium), for the innermost loops of the kernels that the DSP extension
 * serves too.  Where ET_VECTORS is defined without them these are plain C, so that the PC runs
 * what surrounds them. */
#ifndef ET_VECTORS_H
#define ET_VECTORS_H

#ifdef __ARM_FEATURE_MVE
#ifndef ET_VECTORS
#define ET_VECTORS
#endif
#include <arm_mve.h>
#endif

#include "dsp.h"

#ifdef ET_VECTORS

#ifdef __ARM_FEATURE_MVE

#define ET_PICKED 9362 /* bytes: the widest step whose eighth fits into an offset of 16 bits */

/* count bytes, then zeros up to room of them; returns the bytes' sum. */
ET_DSP_INLINE int32_t et_copy_summed(int8_t *to, const int8_t *from, int32_t count, int32_t room)
{
    int32_t sum = 0;
    for (; room > 0; room -= 16, count -= 16, from += 16, to += 16) {
        int8x16_t bytes = vldrbq_z_s8(from, vctp8q((uint32_t)(count > 0 ? count : 0)));
        sum = vaddvaq_s8(sum, bytes);
        vstrbq_p_s8(to, bytes, vctp8q((uint32_t)room));
    }
    return sum;
}

/* The sum of count bytes. */
ET_DSP_INLINE int32_t et_sum_bytes(const int8_t *bytes, int32_t count)
{
    int32_t sum = 0;
    for (; count > 0; count -= 16, bytes += 16) {
        sum = vaddvaq_s8(sum, vldrbq_z_s8(bytes, vctp8q((uint32_t)count)));
    }
    return sum;
}

/* count bytes of one value. */
ET_DSP_INLINE void et_fill_bytes(int8_t *to, int32_t value, int32_t count)
{
    int8x16_t bytes = vdupq_n_s8((int8_t)value);
    for (; count > 0; count -= 16, to += 16) {
        vstrbq_p_s8(to, bytes, vctp8q((uint32_t)count));
    }
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
    for (; count > 0; count -= 8, from += 8 * step, to += 8) {
        mve_pred16_t some = vctp16q((uint32_t)count);
        vstrbq_p_s16(to, vldrbq_gather_offset_z_s16(from, places, some), some);
    }
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
#endif
