/* An update from the gradient, a block of rows at a time: first every row's mass, then once more
 * the blocks in which weights were drawn, unless all rows are one block. */
#include "update_blocks.h"

#include "draw.h"
#include "error_block.h"
#include "trials.h"

typedef struct {
    et_rows rows; /* first: the draw sees only this part */
    const et_blocks *blocks;
    const int8_t *e, *x;
    uint32_t first;       /* of the block in the scratch */
    uint32_t row, column; /* the row drawn last, the column reached in it */
    uint64_t cumulative;  /* magnitudes before that column */
    uint64_t squares;
} gradient_blocks;

static const int32_t *row_at(const gradient_blocks *g, uint32_t row)
{
    return g->rows.scratch->gradient + (row - g->first) * (g->rows.layer->row_size + 1);
}

static uint32_t form_block(gradient_blocks *g, uint32_t first)
{
    const et_blocks *blocks = g->blocks;
    uint32_t left = g->rows.layer->rows - first;
    uint32_t count = left < blocks->rows ? left : blocks->rows;
    blocks->form(blocks->layer, first, count, g->e, g->x, g->rows.scratch->gradient,
                 blocks->scratch);
    g->first = first;
    return count;
}

static uint64_t mass_of(gradient_blocks *g, const int32_t *gradient)
{
    const et_trained *layer = g->rows.layer;
    uint64_t mass = 0, squares = 0;
    for (const int32_t *end = gradient + layer->row_size + 1; gradient != end; gradient++) {
        uint32_t magnitude = et_magnitude(*gradient);
        mass += et_rule_mass(layer, magnitude);
        squares += et_rule_square(layer->rule, magnitude);
    }
    g->squares += squares;
    return mass;
}

static uint64_t measure(gradient_blocks *g)
{
    uint64_t *row_mass = g->rows.scratch->row_mass, total = 0;
    for (uint32_t row = 0, rows = g->rows.layer->rows; row < rows;) {
        for (uint32_t count = form_block(g, row); count; count--, row++) {
            row_mass[row] = mass_of(g, row_at(g, row));
            total += row_mass[row];
        }
    }
    return total;
}

/* Walks on from the last hit where the points of a row ascend. */
static void hit(et_rows *rows, uint32_t row, uint64_t point)
{
    gradient_blocks *g = (gradient_blocks *)rows;
    const et_trained *layer = rows->layer;
    if (row - g->first >= g->blocks->rows) {
        form_block(g, row);
    }
    if (row != g->row || point < g->cumulative) {
        g->row = row;
        g->column = 0;
        g->cumulative = 0;
    }
    const int32_t *gradient = row_at(g, row) + g->column;
    uint64_t cumulative = g->cumulative, mass = et_rule_mass(layer, et_magnitude(*gradient));
    for (; cumulative + mass <= point; mass = et_rule_mass(layer, et_magnitude(*gradient))) {
        cumulative += mass;
        gradient++;
    }
    g->cumulative = cumulative;
    g->column = (uint32_t)(gradient - row_at(g, row));
    if (et_rule_moves(*gradient)) {
        et_step(layer, row, g->column, *gradient < 0 ? -1 : 1, rows->digest);
    }
}

uint32_t et_update_blocks(const et_trained *layer, const et_blocks *blocks, const int8_t *e,
                          int32_t exponent, const int8_t *x, et_learner *learner,
                          const et_update_scratch *scratch, uint32_t *digest)
{
    gradient_blocks g = {{layer, scratch, digest, hit}, blocks, e, x, 0, layer->rows, 0, 0, 0};
    et_rule_begin(layer, exponent);
    uint64_t total = measure(&g);
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
