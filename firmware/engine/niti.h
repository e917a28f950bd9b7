/* NITI's rule: a layer's gradient, shifted so that its largest magnitude has a few bits.
 * docs/numerics.md section 5. */
#ifndef ET_NITI_H
#define ET_NITI_H

#include <stdint.h>

#define ET_RULE_LOOKS 1

typedef struct {
    uint32_t bits; /* of the largest step, 1 to 7 */
} et_niti;

#endif
