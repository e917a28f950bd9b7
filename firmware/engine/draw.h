/* Which weights take the steps of an update.  docs/numerics.md section 6.
 *
 * Every draw is a row and a point below the row's mass, where the first weight lies whose
 * cumulative magnitude exceeds the point.  Rows come in ascending order, so that each is worked out
 * once. */
#ifndef ET_DRAW_H
#define ET_DRAW_H

#include "update.h"

/* Where the gradient's rows come from.  centre: about which their weights move; moved: by how much
 * those of the last row did together. */
typedef struct et_rows et_rows;
struct et_rows {
    const et_trained *layer;
    const et_update_scratch *scratch; /* row_mass is filled in */
    uint32_t *digest;
    int32_t *(*gradient)(et_rows *rows,
                         uint32_t row); /* [row_size + 1], which the draw may change */
    int32_t centre, moved;
};

/* n > 0 draws from row masses that add up to total > 0.  Systematic ones, n equal strides
 * from one random offset, unless ET_DRAW_INDEPENDENT asks for the multinomial. */
void et_draw(et_rows *rows, uint64_t total, uint32_t n, uint32_t generator[2]);

#ifdef ET_DRAW_INDEPENDENT

/* A row for every draw, counted in scratch->row_hits; row_mass becomes cumulative. */
void et_draw_rows(const et_trained *layer, const et_update_scratch *scratch, uint64_t total,
                  uint32_t n, uint32_t generator[2]);

#else

/* The points of n systematic draws from total: point k is (k * total + offset) / n, a quotient and
 * a remainder carried along.  at: the next one, less the masses of the rows that were passed. */
typedef struct {
    uint64_t at, stride;
    uint32_t rest, stride_rest, n;
} et_points;

et_points et_points_start(uint64_t total, uint32_t n, uint32_t generator[2]);

#endif

/* A step of a weight (or, in the last column, of the bias) against its gradient's sign; or sign
 * times several; returns by how much the weight moved. */
int32_t et_step(const et_trained *layer, uint32_t row, uint32_t column, int32_t sign,
                uint32_t *digest);

/* Two steps of a bias, the one after the other, each by less than 2^30; returns what the digest
 * changes by. */
uint32_t et_step_bias(const et_trained *layer, uint32_t row, int32_t first, int32_t second);

#endif
