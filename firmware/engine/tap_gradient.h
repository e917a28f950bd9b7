/* The gradient of one tap's weights: what it reads lies side by side, a channel each. */
#ifndef ET_TAP_GRADIENT_H
#define ET_TAP_GRADIENT_H

#include "window.h"

/* The places of the window of which error and cell both exist.  In e and in x: the offset of
 * place (0, 0), which need not be among them, and from one to the next one down and across. */
typedef struct {
    et_range rows, columns;
    int32_t e, e_row, e_column;
    int32_t x, x_row, x_column;
} et_tap_places;

/* gradient[c] = start + sum of e * (x[c] - zero_point) over the places, for depth channels. */
void et_tap_gradient(const et_tap_places *places, int32_t depth, int32_t zero_point, int32_t start,
                     const int8_t *e, const int8_t *x, int32_t *gradient);

/* The gradient of a bias: errors of n positions, step apart. */
int32_t et_bias_gradient(const int8_t *e, int32_t n, int32_t step);

#endif
