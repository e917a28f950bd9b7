#include "draw.h"

#include <string.h>

#include "generator.h"

#ifndef ET_DRAW_INDEPENDENT

et_points et_points_start(uint64_t total, uint32_t n, uint32_t generator[2])
{
    uint64_t offset = et_generator_below(generator, total);
    et_points points = {offset / n, total / n, (uint32_t)(offset % n), (uint32_t)(total % n), n};
    return points;
}

void et_draw(et_rows *rows, uint64_t total, uint32_t n, uint32_t generator[2])
{
    const uint64_t *mass = rows->scratch->row_mass;
    et_points points = et_points_start(total, n, generator);
    for (uint32_t row = 0; n; n--) {
        while (points.at >= *mass) {
            points.at -= *mass++;
            row++;
        }
        rows->hit(rows, row, points.at);
        et_points_next(&points);
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

static void draw_rows(const et_rows *rows, uint64_t total, uint32_t n, uint32_t generator[2])
{
    uint64_t *mass = rows->scratch->row_mass;
    uint16_t *hits = rows->scratch->row_hits;
    uint32_t count = rows->layer->rows;
    memset(hits, 0, count * sizeof *hits);
    for (uint32_t row = 1; row < count; row++) {
        mass[row] += mass[row - 1];
    }
    for (; n; n--) {
        hits[find_row(mass, count, et_generator_below(generator, total))]++;
    }
}

/* First a row for every draw, then, row by row, a weight. */
void et_draw(et_rows *rows, uint64_t total, uint32_t n, uint32_t generator[2])
{
    const uint64_t *cumulative = rows->scratch->row_mass;
    uint64_t before = 0;
    draw_rows(rows, total, n, generator);
    for (uint32_t row = 0; row < rows->layer->rows; row++) {
        for (uint32_t hits = rows->scratch->row_hits[row]; hits; hits--) {
            rows->hit(rows, row, et_generator_below(generator, cumulative[row] - before));
        }
        before = cumulative[row];
    }
}

#endif
