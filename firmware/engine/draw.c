#include "draw.h"

#include <string.h>

#include "error_block.h"
#include "generator.h"

static void move(const et_rows *rows, uint32_t row, uint32_t column, int32_t gradient,
                 uint32_t times)
{
    if (et_rule_moves(gradient)) {
        int32_t steps = (int32_t)times;
        et_step(rows->layer, row, column, gradient < 0 ? -steps : steps, rows->digest);
    }
}

#ifndef ET_DRAW_INDEPENDENT

et_points et_points_start(uint64_t total, uint32_t n, uint32_t generator[2])
{
    uint64_t offset = et_generator_below(generator, total);
    et_points points = {offset / n, total / n, (uint32_t)(offset % n), (uint32_t)(total % n), n};
    return points;
}

/* Points ascend: the row is walked once, and draws of one weight are one step. */
static et_points draw_in_row(et_rows *rows, uint32_t row, et_points points, uint64_t mass)
{
    const int32_t *gradient = rows->gradient(rows, row), *next = gradient;
    uint64_t cumulative = 0;
    while (points.at < mass) {
        uint32_t times = 0;
        while (cumulative <= points.at) {
            cumulative += et_rule_mass(rows->layer, et_magnitude(*next++));
        }
        do {
            times++;
            et_points_next(&points);
        } while (points.at < cumulative);
        move(rows, row, (uint32_t)(next - gradient) - 1, next[-1], times);
    }
    return points;
}

void et_draw(et_rows *rows, uint64_t total, uint32_t n, uint32_t generator[2])
{
    et_points points = et_points_start(total, n, generator);
    for (uint32_t row = 0; row < rows->layer->rows; row++) {
        uint64_t mass = rows->scratch->row_mass[row];
        if (points.at < mass) {
            points = draw_in_row(rows, row, points, mass);
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
        move(rows, row, (uint32_t)(next - gradient), *next, 1);
    }
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
