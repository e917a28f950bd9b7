/* An update from the gradient, a block of rows at a time: first every row's mass, then once more
 * the blocks in which weights were drawn, unless all rows are one block. */
#include "update_blocks.h"

#include "centre.h"
#include "draw.h"
#include "row_mass.h"
#include "trials.h"

typedef struct {
    et_rows rows; /* first: the draw sees only this part */
    const et_blocks *blocks;
    const int8_t *e, *x;
    uint32_t first; /* of the block in the scratch */
} gradient_blocks;

static int32_t *row_at(const gradient_blocks *g, uint32_t row)
{
    return g->rows.scratch->gradient + (row - g->first) * (g->rows.layer->row_size + 1);
}

static uint32_t form_block(gradient_blocks *g, uint32_t first)
{
    const et_blocks *blocks = g->blocks;
    uint32_t left = g->rows.layer->rows - first;
    uint32_t count = left < blocks->rows ? left : blocks->rows;
    blocks->form(blocks->layer, first, count, g->e, g->x, g->rows.centre,
                 g->rows.scratch->gradient, blocks->scratch);
    g->first = first;
    return count;
}

static uint64_t measure(gradient_blocks *g, uint64_t *squares)
{
    const et_trained *layer = g->rows.layer;
    uint64_t *row_mass = g->rows.scratch->row_mass, total = 0;
    for (uint32_t row = 0; row < layer->rows;) {
        for (uint32_t count = form_block(g, row); count; count--, row++) {
            row_mass[row] = et_row_mass(layer, row_at(g, row), squares);
            total += row_mass[row];
        }
    }
    return total;
}

static int32_t *formed_row(et_rows *rows, uint32_t row)
{
    gradient_blocks *g = (gradient_blocks *)rows;
    if (row - g->first >= g->blocks->rows) {
        form_block(g, row);
    }
    return row_at(g, row);
}

uint32_t et_update_blocks(const et_trained *layer, const et_blocks *blocks, const int8_t *e,
                          int32_t exponent, const int8_t *x, et_learner *learner,
                          const et_update_scratch *scratch, uint32_t *digest)
{
    gradient_blocks g = {
        {layer, scratch, digest, formed_row, et_centre(layer, x), 0}, blocks, e, x, 0};
    uint64_t squares = 0;
    et_rule_begin(layer, exponent);
    uint64_t total = measure(&g, &squares);
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
