#include "error_block.h"

uint32_t et_error_grow(int8_t *start, const int8_t *end, uint32_t shift, uint32_t magnitude)
{
    uint32_t more = 0;
    while ((magnitude >> (shift + more)) > 127) {
        more++;
    }
    for (int8_t *e = start; e < end; e++) {
        *e = et_with_sign(et_magnitude(*e) >> more, *e);
    }
    return shift + more;
}

void et_error_put_many(et_error_block *block, const int32_t *acc, uint32_t n)
{
    et_error_block local = *block; /* in registers, where stores through int8_t cannot reach it */
    for (; n; n--) {
        et_error_put(&local, *acc++);
    }
    *block = local;
}
