/* Positive numbers as a mantissa of 24 bits and an exponent: what a rule measures spans more
 * than 32 bits.  Every operation truncates.  docs/numerics.md section 5. */
#ifndef ET_SCALED_H
#define ET_SCALED_H

#include <stdint.h>

#define ET_SCALED_BITS 24

/* mantissa * 2**exponent; the mantissa has its 24th bit set, or both are 0. */
typedef struct {
    uint32_t mantissa;
    int32_t exponent;
} et_scaled;

et_scaled et_scaled_of(uint64_t value, int32_t exponent); /* value * 2**exponent */
et_scaled et_scaled_product(et_scaled a, et_scaled b);
et_scaled et_scaled_quotient(et_scaled a, et_scaled b); /* b is not 0 */
et_scaled et_scaled_sum(et_scaled a, et_scaled b);
et_scaled et_scaled_ratio(et_scaled a, uint32_t numerator, uint32_t denominator); /* below 2^8 */
uint32_t et_scaled_q16(et_scaled a); /* in Q16, at most 2^32 - 1 */

#endif
