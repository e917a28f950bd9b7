/* FULLY_CONNECTED by MVE's vectors, with the bits of fully_connected.c. */
#ifndef ET_FULLY_CONNECTED_MVE_H
#define ET_FULLY_CONNECTED_MVE_H

#include "operators.h"

void et_fully_connected_mve_forward(const et_fully_connected *p, const int8_t *weights,
                                    const int32_t *bias, const int8_t *x, int8_t *y,
                                    void *scratch);
int32_t et_fully_connected_mve_input_error(const et_fully_connected *p, const int8_t *weights,
                                           const int8_t *e, const int8_t *x, et_clip clip,
                                           int8_t *e_in);

#endif
