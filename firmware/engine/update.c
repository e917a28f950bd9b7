/* An update from the gradient, one row at a time: first every row's mass, then once more the
 * rows that were drawn. */
#include "update.h"

#include "centre.h"
#include "draw.h"
#include "row_mass.h"
#include "trials.h"

typedef struct {
    et_rows rows; /* first: the draw sees only this part */
    et_row_gradient row_gradient;
    const void *operator_;
    const int8_t *e, *x;
} gradient_rows;

static int32_t *form_row(et_rows *rows, uint32_t row)
{
    const gradient_rows *g = (const gradient_rows *)rows;
    g->row_gradient(g->operator_, row, g->e, g->x, rows->centre, rows->scratch->gradient);
    return rows->scratch->gradient;
}

uint32_t et_update(const et_trained *layer, et_row_gradient row_gradient, const void *operator_,
                   const int8_t *e, int32_t exponent, const int8_t *x, et_learner *learner,
                   const et_update_scratch *scratch, uint32_t *digest)
{
    gradient_rows g = {
        {layer, scratch, digest, form_row, et_centre(layer, x), 0}, row_gradient, operator_, e, x};
    uint64_t total = 0, squares = 0;
    et_rule_begin(layer, exponent);
    for (uint32_t row = 0; row < layer->rows; row++) {
        scratch->row_mass[row] = et_row_mass(layer, form_row(&g.rows, row), &squares);
        total += scratch->row_mass[row];
    }
    if (total == et_rule_nothing(layer)) {
        return 0;
    }
    et_gradient facts = {total, squares, exponent, e};
    uint32_t n = et_trials(layer, &facts, learner);
    if (n) {
        et_draw(&g.rows, total, n, learner->generator);
    }
    return n;
}
