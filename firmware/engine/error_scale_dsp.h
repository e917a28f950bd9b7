/* error_scale.c by the DSP extension, four channels at a time. */
#ifndef ET_ERROR_SCALE_DSP_H
#define ET_ERROR_SCALE_DSP_H

#include "operators.h"

int32_t et_error_scale_dsp(int8_t *e, uint32_t positions, uint32_t channels,
                           const et_quantization *q);

#endif
