/* An update from the gradient, one row at a time: first every row's mass, then once more the
 * rows that were drawn. */
#include "update.h"

#include "draw.h"
#include "error_block.h"
#include "trials.h"

typedef struct {
    et_rows rows; /* first: the draw sees only this part */
    et_row_gradient row_gradient;
    const void *operator_;
    const int8_t *e, *x;
    uint32_t row, column; /* whose gradient lies in the scratch; the column reached */
    uint64_t cumulative;  /* magnitudes before that column */
    uint64_t squares;     /* of the rows that were formed */
} gradient_rows;

static uint64_t form_row(gradient_rows *g, uint32_t row)
{
    int32_t *gradient = g->rows.scratch->gradient;
    const int32_t *end = gradient + g->rows.layer->row_size + 1;
    uint64_t mass = 0;
    g->row_gradient(g->operator_, row, g->e, g->x, gradient);
    for (; gradient != end; gradient++) {
        uint32_t magnitude = et_magnitude(*gradient);
        mass += et_rule_mass(g->rows.layer, magnitude);
        g->squares += et_rule_square(g->rows.layer->rule, magnitude);
    }
    return mass;
}

/* Walks on from the last hit where the points of a row ascend. */
static void hit(et_rows *rows, uint32_t row, uint64_t point)
{
    gradient_rows *g = (gradient_rows *)rows;
    const int32_t *gradient = rows->scratch->gradient;
    if (row != g->row) {
        form_row(g, row);
        g->row = row;
        g->column = 0;
        g->cumulative = 0;
    } else if (point < g->cumulative) {
        g->column = 0;
        g->cumulative = 0;
    }
    while (g->cumulative + et_rule_mass(rows->layer, et_magnitude(gradient[g->column])) <= point) {
        g->cumulative += et_rule_mass(rows->layer, et_magnitude(gradient[g->column++]));
    }
    if (et_rule_moves(gradient[g->column])) {
        et_step(rows->layer, row, g->column, gradient[g->column] < 0 ? -1 : 1, rows->digest);
    }
}

uint32_t et_update(const et_trained *layer, et_row_gradient row_gradient, const void *operator_,
                   const int8_t *e, int32_t exponent, const int8_t *x, et_learner *learner,
                   const et_update_scratch *scratch, uint32_t *digest)
{
    gradient_rows g = {
        {layer, scratch, digest, hit}, row_gradient, operator_, e, x, layer->rows, 0, 0, 0};
    uint64_t total = 0;
    et_rule_begin(layer, exponent);
    for (uint32_t row = 0; row < layer->rows; row++) {
        scratch->row_mass[row] = form_row(&g, row);
        total += scratch->row_mass[row];
    }
    if (total == et_rule_nothing(layer)) {
        return 0;
    }
    et_gradient facts = {total, g.squares, exponent, e};
    uint32_t n = et_trials(layer, facts, learner);
    if (n) {
        et_draw(&g.rows, total, n, learner->generator);
    }
    return n;
}
