/* Weights that move about the mean of their layer's input, where the rule asks for it: their bias
 * holds the output there.  docs/numerics.md sections 4 and 7. */
#ifndef ET_CENTRE_H
#define ET_CENTRE_H

#include "draw.h"
#include "operators.h"

#ifdef ET_RULE_CENTRED

/* The mean of the layer's input over its zero point, to the nearest whole number. */
int32_t et_centre(const et_trained *layer, const int8_t *x);

#define et_centre_taken(centre, moved) ((centre) * (moved))

#else

#define et_centre(layer, x) ((void)(x), 0)
#define et_centre_taken(centre, moved) ((void)(centre), (void)(moved), 0)

#endif

/* After a draw that took so many steps of the row's bias and moved its weights by so much
 * together: the bias takes these steps, then back what the weights change at the centre.  A draw
 * has less than 2^16 steps. */
static inline void et_centre_bias(const et_trained *layer, uint32_t row, int32_t centre,
                                  int32_t moved, int32_t steps, uint32_t *digest)
{
    int32_t drawn = steps * ET_BIAS_INPUT, taken = et_centre_taken(centre, moved);
    if (drawn | taken) {
        *digest += et_step_bias(layer, row, drawn, taken);
    }
}

#endif
