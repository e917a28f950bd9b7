/* The digest: 32 bits over everything that learning changes.  docs/numerics.md section 7. */
#ifndef ET_DIGEST_H
#define ET_DIGEST_H

#include "operators.h"
#include "update.h"

#define ET_DIGEST_STRIDE 0x9E3779B1u

/* A value's factor in the digest: odd, so that no single value's change is lost. */
static inline uint32_t et_digest_factor(uint32_t index)
{
    uint32_t place = index * ET_DIGEST_STRIDE;
    return place * (place ^ (place >> 16)) | 1;
}

/* What a value adds to the digest, or what a change of it does. */
static inline uint32_t et_digest_term(uint32_t index, int32_t value)
{
    return et_digest_factor(index) * (uint32_t)value;
}

#endif
