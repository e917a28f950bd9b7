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

#ifndef ET_NOTED

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

#endif

#ifndef ET_DRAW_INDEPENDENT

et_points et_points_start(uint64_t total, uint32_t n, uint32_t generator[2])
{
    uint64_t offset = et_generator_below(generator, total);
    et_points points = {offset / n, total / n, (uint32_t)(offset % n), (uint32_t)(total % n), n};
    return points;
}

#ifdef ET_NOTED

/* Steps that vectors are to take. */
typedef struct {
    row_steps row;
    et_noted_steps noted;
    uint32_t count;
} row_moves;

static void moves_open(row_moves *m, const et_rows *rows, uint32_t row, const int32_t *gradient)
{
    m->row = steps_of(rows, row);
    m->count = 0;
    m->noted.first = gradient;
    m->noted.sign = 1;
    m->noted.weights = m->row.weights;
    m->noted.step = m->row.step;
    m->noted.place = m->row.place;
    m->noted.place_step = m->row.place_step;
}

/* Apart from the walk, which needs the registers. */
static __attribute__((noinline)) void moves_take(row_moves *m)
{
    uint32_t count = m->count;
    if (count && m->noted.at[count - 1] == (const int32_t *)m->noted.first + m->row.bias) {
        move_bias(&m->row, m->noted.steps[--count]);
    }
    if (count) {
        m->row.digest += et_step_noted(&m->noted, count);
    }
    m->count = 0;
}

static inline void moves_add(row_moves *m, const int32_t *gradient, uint32_t column, int32_t steps)
{
    m->noted.at[m->count] = gradient + column;
    m->noted.steps[m->count] = steps;
    if (++m->count == ET_NOTED) {
        moves_take(m);
    }
}

/* Returns what the digest changes by. */
static inline uint32_t moves_end(row_moves *m)
{
    moves_take(m);
    return m->row.digest;
}

#else

typedef row_steps row_moves;

static inline void moves_open(row_moves *m, const et_rows *rows, uint32_t row,
                              const int32_t *gradient)
{
    (void)gradient;
    *m = steps_of(rows, row);
}

static inline void moves_add(row_moves *m, const int32_t *gradient, uint32_t column, int32_t steps)
{
    (void)gradient;
    move(m, column, steps);
}

static inline uint32_t moves_end(row_moves *m)
{
    return m->digest;
}

#endif

/* Points ascend: the row is walked once, as far as they lie in it, and draws of one weight are one
 * step. */
static void draw_in_row(et_rows *rows, uint32_t row, const int32_t *gradient, et_points *points,
                        uint64_t mass)
{
    const int32_t *next = gradient;
    row_moves moves;
    uint64_t cumulative = 0;
    et_points p = *points;
    moves_open(&moves, rows, row, gradient);
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
            moves_add(&moves, gradient, (uint32_t)(next - gradient) - 1,
                      next[-1] < 0 ? -times : times);
        }
    }
    *points = p;
    *rows->digest += moves_end(&moves);
}

void et_draw(et_rows *rows, uint64_t total, uint32_t n, uint32_t generator[2])
{
    et_points points = et_points_start(total, n, generator);
    for (uint32_t row = 0; row < rows->layer->rows; row++) {
        uint64_t mass = rows->scratch->row_mass[row];
        if (points.at < mass) { /* the row is formed before its steps take room on the stack */
            draw_in_row(rows, row, rows->gradient(rows, row), &points, mass);
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
