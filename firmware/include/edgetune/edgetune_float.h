/* Real values and a model's int8 ones, for products that have float. */
#ifndef EDGETUNE_FLOAT_H
#define EDGETUNE_FLOAT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* real / scale + zero_point, to the nearest, halves away from zero, within int8. */
static inline int8_t edgetune_quantize_float(float real, float scale, int32_t zero_point)
{
    float steps = real / scale;
    if (!(steps > -512.0f)) { /* or no number */
        return -128;
    }
    if (steps > 512.0f) {
        return 127;
    }
    int32_t value = (int32_t)(steps < 0.0f ? steps - 0.5f : steps + 0.5f) + zero_point;
    return (int8_t)(value < -128 ? -128 : value > 127 ? 127 : value);
}

static inline float edgetune_dequantize_float(int8_t value, float scale, int32_t zero_point)
{
    return (float)(value - zero_point) * scale;
}

#ifdef __cplusplus
}
#endif

#endif
