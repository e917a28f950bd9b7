/* What an update's gradient adds up to, a row at a time. */
#ifndef ET_ROW_MASS_H
#define ET_ROW_MASS_H

#include "update.h"

/* The mass of one row's gradient [row_size + 1]; adds what the rule asks for to squares. */
uint64_t et_row_mass(const et_trained *layer, const int32_t *gradient, uint64_t *squares);

#endif
