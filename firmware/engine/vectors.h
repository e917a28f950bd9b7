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

/* count bytes, then zeros up to room of them; returns the bytes' sum. */
#ifdef __ARM_FEATURE_MVE

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

#else

ET_DSP_INLINE int32_t et_copy_summed(int8_t *to, const int8_t *from, int32_t count, int32_t room)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < room; i++) {
        to[i] = i < count ? from[i] : 0;
        sum += to[i];
    }
    return sum;
}

#endif
#endif

#endif
