#include "draw.h"

#include <stddef.h>
#include <string.h>

#include "error_block.h"
#include "generator.h"
#include "step.h"

#ifndef ET_DRAW_INDEPENDENT

et_points et_points_start(uint64_t total, uint32_t n, uint32_t generator[2])
{
    uint64_t offset = et_generator_below(generator, total);
    et_points points = {offset / n, total / n, (uint32_t)(offset % n), (uint32_t)(total % n), n};
    return points;
}

#ifdef ET_NOTED

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

#else

/* Masses of rows that no rule adds to are mostly short: then all but the total fits 32 bits. */
#ifdef ET_RULE_ADDS
#define SHORT_BITS 0
#else
#define SHORT_BITS 30
#endif
#define LONGEST_STRIDE (1u << 31) /* passes every short row */

/* A row's weights as its steps take them.  place: of the first one in the digest, and from one byte
 * of the weights to the next.  mass: of the weights alone. */
typedef struct {
    uint32_t stride, stride_rest;
    int8_t *weights;
    const int32_t *gradient;
    uint32_t place_step, place, mix_first, mix_second;
    uint32_t column_step, mass;
} row_facts;

/* at: the next point in the row; rest: of it, less n. */
typedef struct {
    uint32_t at, rest, n;
} row_points;

/* Both take the draws of a row's weights, of which there is at least one, and return what the digest
 * changes by.  gap: from the columns that were passed to the next point; below zero, it lies in the
 * last one of them. */
#if defined(__thumb2__) && !defined(__clang__)

typedef char pairs_lie_where_the_loads_have_them[offsetof(row_facts, weights) == 8 &&
                                                         offsetof(row_facts, place_step) == 16 &&
                                                         offsetof(row_facts, mix_first) == 24 &&
                                                         offsetof(row_facts, column_step) == 32
                                                     ? 1
                                                     : -1];

static uint32_t draw_weights(const row_facts *f, row_points *p)
{
    const int32_t *next = f->gradient - 1;
    uint32_t at = p->at, gap = at, rest = p->rest, digest = 0;
    __asm__ volatile("1:\n\t" /* to the column that holds the point */
                     "ldr r7, [%[next], #4]!\n\t"
                     "add r12, r7, r7, asr #31\n\t"
                     "eor r12, r12, r7, asr #31\n\t"
                     "subs %[gap], %[gap], r12\n\t"
                     "bcs 1b\n\t"
                     "ldrd r9, r10, [%[f], #8]\n\t" /* its weight */
                     "sub %[at], %[at], %[gap]\n\t"
                     "sub r10, %[next], r10\n\t"
                     "ldr r12, [%[f], #32]\n\t"
                     "lsr r10, r10, #2\n\t"
                     "mul r10, r10, r12\n\t"
                     "ldrsb r11, [r9, r10]\n\t"
                     "ldrd r12, lr, [%[f]]\n\t" /* its draws */
                     "mov r8, #0\n"
                     "2:\n\t"
                     "add r8, r8, #1\n\t"
                     "adds %[rest], %[rest], lr\n\t"
                     "it cs\n\t"
                     "subcs %[rest], %[rest], %[n]\n\t"
                     "adcs %[gap], %[gap], r12\n\t"
                     "bcc 2b\n\t"
                     "asr r7, r7, #31\n\t" /* its steps */
                     "orr r7, r7, #1\n\t"
                     "mls lr, r8, r7, r11\n\t" ET_STEP_TAKEN /* into the weight and the digest */
                     "ldr r12, [%[f], #36]\n\t"
                     "add %[at], %[at], %[gap]\n\t"
                     "cmp %[at], r12\n\t"
                     "bcc 1b\n\t"
                     "b 5f\n" ET_STEP_CLAMPED /* where it went too far */
                     "5:"
                     : [next] "+r"(next), [at] "+r"(at), [gap] "+r"(gap), [rest] "+r"(rest),
                       [digest] "+r"(digest)
                     : [f] "r"(f), [n] "r"(p->n)
                     : "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");
    p->at = at;
    p->rest = rest;
    return digest;
}

#else

static uint32_t draw_weights(const row_facts *f, row_points *p)
{
    const int32_t *next = f->gradient;
    uint32_t at = p->at, gap = at, rest = p->rest, digest = 0;
    do {
        for (uint32_t magnitude; (magnitude = et_magnitude(*next++)) <= gap;) {
            gap -= magnitude;
        }
        gap -= et_magnitude(next[-1]);
        at -= gap;
        int32_t steps = 0;
        for (int32_t inside = 1; inside; steps++) {
            uint32_t stride = f->stride;
            rest += f->stride_rest;
            if (rest < f->stride_rest) {
                rest -= p->n;
                stride++;
            }
            gap += stride;
            inside = gap >= stride;
        }
        at += gap;
        uint32_t offset = (uint32_t)(next - f->gradient - 1) * f->column_step;
        int32_t value = f->weights[offset];
        int32_t moved = et_moved_weight(value, next[-1] < 0 ? -steps : steps);
        f->weights[offset] = (int8_t)moved;
        digest += et_digest_change_at(f->place + offset * f->place_step, value, moved);
    } while (at < f->mass);
    p->at = at;
    p->rest = rest;
    return digest;
}

#endif

/* The bias is the last column.  A stride beyond the longest one ends in another row. */
static void draw_in_short_row(et_rows *rows, uint32_t row, const int32_t *gradient,
                              et_points *points, uint32_t mass)
{
    const et_trained *layer = rows->layer;
    uint32_t offset = row * layer->row_stride, size = layer->row_size;
    int32_t bias = gradient[size], steps = 0;
    uint32_t stride = points->stride < LONGEST_STRIDE ? (uint32_t)points->stride : LONGEST_STRIDE;
    row_points p = {(uint32_t)points->at, points->rest - points->n, points->n};
    row_facts f = {stride,
                   points->stride_rest,
                   layer->weights + offset,
                   gradient,
                   ET_DIGEST_STRIDE,
                   (layer->first_index + offset) * ET_DIGEST_STRIDE,
                   ET_MIX_FIRST,
                   ET_MIX_SECOND,
                   layer->column_stride,
                   mass - et_magnitude(bias)};
    if (p.at < f.mass) {
        *rows->digest += draw_weights(&f, &p);
    }
    points->at = p.at;
    points->rest = p.rest + p.n;
    if (points->at >= mass) {
        points->at += points->stride - stride;
        return;
    }
    for (; points->at < mass; steps++) {
        et_points_next(points);
    }
    et_step(layer, row, size, bias < 0 ? -steps : steps, rows->digest);
}

/* Points ascend: the row is walked once, as far as they lie in it, and draws of one weight are one
 * step. */
static void draw_in_row(et_rows *rows, uint32_t row, const int32_t *gradient, et_points *points,
                        uint64_t mass)
{
    if (mass >> SHORT_BITS == 0) {
        draw_in_short_row(rows, row, gradient, points, (uint32_t)mass);
        return;
    }
    const int32_t *next = gradient;
    uint64_t cumulative = 0;
    while (points->at < mass) {
        int32_t times = 0;
        while (cumulative <= points->at) {
            cumulative += et_rule_mass(rows->layer, et_magnitude(*next++));
        }
        do {
            times++;
            et_points_next(points);
        } while (points->at < cumulative);
        if (et_rule_moves(next[-1])) {
            uint32_t column = (uint32_t)(next - gradient) - 1;
            et_step(rows->layer, row, column, next[-1] < 0 ? -times : times, rows->digest);
        }
    }
}

#endif

void et_draw(et_rows *rows, uint64_t total, uint32_t n, uint32_t generator[2])
{
    et_points points = et_points_start(total, n, generator);
    for (uint32_t row = 0; row < rows->layer->rows; row++) {
        uint64_t mass = rows->scratch->row_mass[row];
        if (points.at < mass) {
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
            uint32_t column = (uint32_t)(next - gradient);
            et_step(rows->layer, row, column, *next < 0 ? -1 : 1, rows->digest);
        }
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
