/* The gradient of one output channel of a convolution. */
#ifndef ET_WINDOW_GRADIENT_H
#define ET_WINDOW_GRADIENT_H

#include "operators.h"

/* depth: input channels that a tap reads, all of them or one; centre: over the zero point, which
 * inputs count from, padded ones too. */
typedef struct {
    et_shape in, out;
    et_window window;
    uint16_t depth;
    int16_t zero_point, centre;
} et_window_rows;

/* e: errors of the output channel, out.channels apart; x: from the first channel read.
 * gradient: kernel_h * kernel_w * depth weights, then the bias. */
void et_window_gradient(const et_window_rows *p, const int8_t *e, const int8_t *x,
                        int32_t *gradient);

#endif
