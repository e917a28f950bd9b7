/* Any function of one value. */
#include "error_block.h"

void et_lookup_forward(const int8_t *table, uint32_t count, const int8_t *x, int8_t *y)
{
    for (const int8_t *end = x + count; x != end;) {
        *y++ = table[*x++ + 128];
    }
}

/* Each error times the function's slope at the input. */
int32_t et_lookup_input_error(const int16_t *slopes, uint32_t count, const int8_t *e,
                              const int8_t *x, et_clip clip, int8_t *e_in)
{
    et_error_block block = et_error_open(e_in, x, clip);
    for (uint32_t i = 0; i < count; i++) {
        et_error_put(&block, e[i] * slopes[x[i] + 128]);
    }
    return (int32_t)block.shift;
}
