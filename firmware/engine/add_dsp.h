/* ADD and SUB by the DSP extension, where no shift goes left and the sum's goes right. */
#ifndef ET_ADD_DSP_H
#define ET_ADD_DSP_H

#include "operators.h"

void et_add_dsp_forward(const et_add *p, const int8_t *x, const int8_t *other, int8_t *y);

#endif
