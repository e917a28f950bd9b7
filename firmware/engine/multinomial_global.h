/* The published rule over all tensors at once.  docs/numerics.md section 5. */
#ifndef ET_MULTINOMIAL_GLOBAL_H
#define ET_MULTINOMIAL_GLOBAL_H

#include "multinomial.h"

/* mass: of all layers' gradients of this sample. */
typedef struct {
    et_scaled mass;
} et_multinomial_global_network;

/* added: c in the unit of the layer's last gradient; mass: of this sample's, in a unit that all
 * layers share. */
typedef struct {
    uint32_t added;
    et_scaled mass;
} et_multinomial_global_layer;

/* null_mass: c over the unit of a gradient with exponent 0; unit: of the gradient; trials: of all
 * layers together. */
typedef struct {
    et_scaled null_mass, unit, trials;
    et_multinomial_global_network *network;
} et_multinomial_global;

/* Before a sample's gradients are measured. */
void et_multinomial_global_observe(et_multinomial_global_network *network,
                                   et_multinomial_global_layer *layers, uint32_t count);

#endif
