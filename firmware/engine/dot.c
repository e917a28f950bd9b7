#include "dot.h"

void et_dot_4(const int8_t *restrict x, const int8_t *restrict w, uint32_t row_size, uint32_t n,
              int32_t zero_point, int32_t *acc)
{
    const int8_t *restrict w1 = w + row_size, *restrict w2 = w1 + row_size;
    const int8_t *restrict w3 = w2 + row_size;
    int32_t acc0 = acc[0], acc1 = acc[1], acc2 = acc[2], acc3 = acc[3];
    for (const int8_t *end = x + n; x != end; x++) {
        int32_t value = *x - zero_point;
        acc0 += value * *w++;
        acc1 += value * *w1++;
        acc2 += value * *w2++;
        acc3 += value * *w3++;
    }
    acc[0] = acc0, acc[1] = acc1, acc[2] = acc2, acc[3] = acc3;
}

int32_t et_dot(const int8_t *restrict x, const int8_t *restrict w, uint32_t n, int32_t zero_point)
{
    int32_t acc = 0;
    for (const int8_t *end = x + n; x != end; x++) {
        acc += (*x - zero_point) * *w++;
    }
    return acc;
}

void et_dot_columns_4(const int8_t *restrict e, const int8_t *restrict w, uint32_t rows,
                      uint32_t row_size, int32_t *acc)
{
    int32_t acc0 = acc[0], acc1 = acc[1], acc2 = acc[2], acc3 = acc[3];
    for (const int8_t *end = e + rows; e != end; e++) {
        int32_t error = *e;
        acc0 += error * w[0];
        acc1 += error * w[1];
        acc2 += error * w[2];
        acc3 += error * w[3];
        w += row_size;
    }
    acc[0] = acc0, acc[1] = acc1, acc[2] = acc2, acc[3] = acc3;
}

int32_t et_dot_column(const int8_t *restrict e, const int8_t *restrict w, uint32_t rows,
                      uint32_t row_size)
{
    int32_t acc = 0;
    for (const int8_t *end = e + rows; e != end; e++) {
        acc += *e * *w;
        w += row_size;
    }
    return acc;
}
