#include "tap_gradient.h"

#include "operators.h"

void et_tap_gradient(const et_tap_places *places, int32_t depth, int32_t zero_point, int32_t start,
                     const int8_t *e, const int8_t *x, int32_t *gradient)
{
    et_range rows = places->rows, columns = places->columns;
    for (int32_t c = 0; c < depth; c++) {
        gradient[c] = start;
    }
    for (int32_t row = rows.from; row < rows.to; row++) {
        for (int32_t column = columns.from; column < columns.to; column++) {
            int32_t error = e[places->e + row * places->e_row + column * places->e_column];
            const int8_t *cell = x + (places->x + row * places->x_row + column * places->x_column);
            for (int32_t c = 0; c < depth; c++) {
                gradient[c] += error * (cell[c] - zero_point);
            }
        }
    }
}

int32_t et_bias_gradient(const int8_t *e, int32_t n, int32_t step)
{
    int32_t total = 0;
    for (; n > 0; n--, e += step) {
        total += *e;
    }
    return ET_BIAS_INPUT * total;
}
