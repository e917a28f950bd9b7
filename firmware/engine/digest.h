/* The digest: 32 bits over everything that learning changes.  docs/numerics.md section 7. */
#ifndef ET_DIGEST_H
#define ET_DIGEST_H

#include "generator.h"
#include "operators.h"
#include "update.h"

#define ET_DIGEST_STRIDE 0x9E3779B1u

/* What one parameter adds to the digest of the parameters. */
static inline uint32_t et_digest_term(uint32_t index, int32_t value)
{
    return et_mix32(index * ET_DIGEST_STRIDE + (uint32_t)value);
}

#endif
