/* Weights that move about the mean of their layer's input, where the rule asks for it: their bias
 * holds the output there.  docs/numerics.md sections 4 and 7. */
#ifndef ET_CENTRE_H
#define ET_CENTRE_H

#include "update.h"

#ifdef ET_RULE_CENTRED

/* The mean of the layer's input over its zero point, to the nearest whole number. */
int32_t et_centre(const et_trained *layer, const int8_t *x);

/* The row's weights moved by so much together, and its bias takes back what that changes at the
 * centre.  Adds what the digest changes by to *digest. */
void et_centre_bias(const et_trained *layer, uint32_t row, int32_t centre, int32_t moved,
                    uint32_t *digest);

#else

#define et_centre(layer, x) ((void)(x), 0)
#define et_centre_bias(layer, row, centre, moved, digest) ((void)(centre), (void)(moved))

#endif

#endif
