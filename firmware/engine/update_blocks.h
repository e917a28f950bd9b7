/* The update of update.h from blocks of the gradient's rows, for kernels that form several rows
 * at once. */
#ifndef ET_UPDATE_BLOCKS_H
#define ET_UPDATE_BLOCKS_H

#include "update.h"

/* Writes the gradients of rows first .. first + count - 1, as an et_row_gradient would, one behind
 * the other; scratch is the kernel's own memory. */
typedef void (*et_block_gradient)(const void *layer, uint32_t first, uint32_t count,
                                  const int8_t *e, const int8_t *x, int32_t centre,
                                  int32_t *gradient, void *scratch);

/* rows: of a block, which et_update_scratch's gradient holds.  Where they are all of the layer's
 * no row is formed twice. */
typedef struct {
    et_block_gradient form;
    const void *layer;
    void *scratch;
    uint32_t rows;
} et_blocks;

/* The bits of et_update. */
uint32_t et_update_blocks(const et_trained *layer, const et_blocks *blocks, const int8_t *e,
                          int32_t exponent, const int8_t *x, et_learner *learner,
                          const et_update_scratch *scratch, uint32_t *digest);

#endif
