/* The engine's scaled numbers as functions that take and return structures. */
#include "scaled.h"

et_scaled of(uint64_t value, int32_t exponent)
{
    return et_scaled_of(value, exponent);
}

et_scaled product(et_scaled a, et_scaled b)
{
    return et_scaled_product(a, b);
}

et_scaled quotient(et_scaled a, et_scaled b)
{
    return et_scaled_quotient(a, b);
}

et_scaled sum(et_scaled a, et_scaled b)
{
    return et_scaled_sum(a, b);
}

et_scaled ratio(et_scaled a, uint32_t numerator, uint32_t denominator)
{
    return et_scaled_ratio(a, numerator, denominator);
}

uint32_t q16(et_scaled a)
{
    return et_scaled_q16(a);
}
