#include "draw.h"

#include <string.h>

#include "error_block.h"
#include "generator.h"
#include "step.h"

/* Where a row's weights lie, and their places in the digest, from column to column. */
typedef struct {
    uint32_t bias; /* its column, behind the weights' */
    int8_t *weights;
    uint32_t step, place, place_step, row, digest;
    const et_trained *layer;
} row_steps;

static row_steps steps_of(const et_rows *rows, uint32_t row)
{
    const et_trained *layer = rows->layer;
    uint32_t offset = row * layer->row_stride;
    row_steps steps = {layer->row_size,
                       layer->weights + offset,
                       layer->column_stride,
                       (layer->first_index + offset) * ET_DIGEST_STRIDE,
                       layer->column_stride * ET_DIGEST_STRIDE,
                       row,
                       0,
                       layer};
    return steps;
}

static __attribute__((noinline)) void move_bias(row_steps *s, int32_t steps)
{
    et_step(s->layer, s->row, s->bias, steps, &s->digest);
}

/* Apart from the walk, which needs the registers. */
static __attribute__((noinline)) void move(row_steps *s, uint32_t column, int32_t steps)
{
    if (column == s->bias) {
        move_bias(s, steps);
        return;
    }
    int8_t *weight = s->weights + column * s->step;
    int32_t value = *weight, moved = et_moved_weight(value, steps);
    *weight = (int8_t)moved;
    s->digest += et_digest_change_at(s->place + column * s->place_step, value, moved);
}

#ifndef ET_DRAW_INDEPENDENT

et_points et_points_start(uint64_t total, uint32_t n, uint32_t generator[2])
{
    uint64_t offset = et_generator_below(generator, total);
    et_points points = {offset / n, total / n, (uint32_t)(offset % n), (uint32_t)(total % n), n};
    return points;
}

/* Points ascend: the row is walked once, as far as they lie in it, and draws of one weight are one
 * step. */
static void draw_in_row(et_rows *rows, uint32_t row, et_points *points, uint64_t mass)
{
    const int32_t *gradient = rows->gradient(rows, row), *next = gradient;
    row_steps steps = steps_of(rows, row);
    uint64_t cumulative = 0;
    et_points p = *points;
    while (p.at < mass) {
        int32_t times = 0;
        while (cumulative <= p.at) {
            cumulative += et_rule_mass(rows->layer, et_magnitude(*next++));
        }
        do {
            times++;
            et_points_next(&p);
        } while (p.at < cumulative);
        if (et_rule_moves(next[-1])) {
            move(&steps, (uint32_t)(next - gradient) - 1, next[-1] < 0 ? -times : times);
        }
    }
    *points = p;
    *rows->digest += steps.digest;
}

void et_draw(et_rows *rows, uint64_t total, uint32_t n, uint32_t generator[2])
{
    et_points points = et_points_start(total, n, generator);
    for (uint32_t row = 0; row < rows->layer->rows; row++) {
        uint64_t mass = rows->scratch->row_mass[row];
        if (points.at < mass) {
            draw_in_row(rows, row, &points, mass);
        }
        points.at -= mass;
    }
}

#else

/* The first row whose cumulative mass exceeds point. */
static uint32_t find_row(const uint64_t *cumulative, uint32_t rows, uint64_t point)
{
    uint32_t low = 0;
    for (uint32_t high = rows; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        if (cumulative[middle] > point) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

void et_draw_rows(const et_trained *layer, const et_update_scratch *scratch, uint64_t total,
                  uint32_t n, uint32_t generator[2])
{
    uint64_t *mass = scratch->row_mass;
    memset(scratch->row_hits, 0, layer->rows * sizeof *scratch->row_hits);
    for (uint32_t row = 1; row < layer->rows; row++) {
        mass[row] += mass[row - 1];
    }
    for (; n; n--) {
        scratch->row_hits[find_row(mass, layer->rows, et_generator_below(generator, total))]++;
    }
}

/* Walks on from the last weight where the points ascend. */
static void draw_in_row(et_rows *rows, uint32_t row, uint64_t mass, uint32_t generator[2])
{
    const int32_t *gradient = rows->gradient(rows, row), *next = gradient;
    row_steps steps = steps_of(rows, row);
    uint64_t before = 0;
    for (uint32_t hits = rows->scratch->row_hits[row]; hits; hits--) {
        uint64_t point = et_generator_below(generator, mass);
        if (point < before) {
            next = gradient;
            before = 0;
        }
        while (before + et_rule_mass(rows->layer, et_magnitude(*next)) <= point) {
            before += et_rule_mass(rows->layer, et_magnitude(*next++));
        }
        if (et_rule_moves(*next)) {
            move(&steps, (uint32_t)(next - gradient), *next < 0 ? -1 : 1);
        }
    }
    *rows->digest += steps.digest;
}

/* First a row for every draw, then, row by row, a weight. */
void et_draw(et_rows *rows, uint64_t total, uint32_t n, uint32_t generator[2])
{
    const et_update_scratch *scratch = rows->scratch;
    uint64_t before = 0;
    et_draw_rows(rows->layer, scratch, total, n, generator);
    for (uint32_t row = 0; row < rows->layer->rows; row++) {
        if (scratch->row_hits[row]) {
            draw_in_row(rows, row, scratch->row_mass[row] - before, generator);
        }
        before = scratch->row_mass[row];
    }
}

#endif
