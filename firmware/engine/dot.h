/* Sums of products over weights, along rows and down columns, four at a time: each input or
 * error that was loaded serves four weights. */
#ifndef ET_DOT_H
#define ET_DOT_H

#include <stdint.h>

/* acc[k] += sum over i < n of (x[i] - zero_point) * w[k * row_size + i]. */
void et_dot_4(const int8_t *restrict x, const int8_t *restrict w, uint32_t row_size, uint32_t n,
              int32_t zero_point, int32_t *acc);
int32_t et_dot(const int8_t *restrict x, const int8_t *restrict w, uint32_t n, int32_t zero_point);

/* acc[k] += sum over o < rows of e[o] * w[o * row_size + k]. */
void et_dot_columns_4(const int8_t *restrict e, const int8_t *restrict w, uint32_t rows,
                      uint32_t row_size, int32_t *acc);
int32_t et_dot_column(const int8_t *restrict e, const int8_t *restrict w, uint32_t rows,
                      uint32_t row_size);

#endif
