#include "draw.h"

#include <stddef.h>
#include <string.h>

#include "centre.h"
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

/* The same points with their remainders as fractions, Q32, which carry by themselves.  Each
 * fraction is rounded up by 2**-32 at most, a point by less than n times that: n is below 2**16,
 * and 1/n is what a point lacks to the next whole number at least, so that none reaches it. */
typedef struct {
    uint64_t at, stride;
    uint32_t fraction, stride_fraction;
} walk;

static __attribute__((noinline)) uint32_t fraction_q32(uint32_t rest, uint32_t n)
{
    uint32_t high = (rest << 16) / n, left = (rest << 16) - high * n;
    return (high << 16) + (left << 16) / n + 1;
}

static walk walk_of(et_points p)
{
    walk w = {p.at, p.stride, fraction_q32(p.rest, p.n), fraction_q32(p.stride_rest, p.n)};
    return w;
}

static inline void walk_on(walk *w)
{
    w->fraction += w->stride_fraction;
    w->at += w->stride + (w->fraction < w->stride_fraction ? 1 : 0);
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
    m->noted.moved = 0;
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

static inline void moves_end(row_moves *m, et_rows *rows)
{
    moves_take(m);
    *rows->digest += m->row.digest;
    rows->moved += m->noted.moved;
}

#else

typedef struct {
    et_rows *rows;
    uint32_t row;
} row_moves;

static void moves_open(row_moves *m, et_rows *rows, uint32_t row, const int32_t *gradient)
{
    (void)gradient;
    m->rows = rows;
    m->row = row;
}

static inline void moves_add(row_moves *m, const int32_t *gradient, uint32_t column, int32_t steps)
{
    (void)gradient;
    m->rows->moved += et_step(m->rows->layer, m->row, column, steps, m->rows->digest);
}

static inline void moves_end(row_moves *m, et_rows *rows)
{
    (void)m, (void)rows;
}

#endif

/* Masses of rows that no rule adds to are mostly short: then all but the total fits 32 bits. */
#ifdef ET_RULE_ADDS
#define SHORT_BITS 0
#else
#define SHORT_BITS 30
#endif
/* A stride of the longest, which is a short row's greatest mass, passes every one of them. */
#define LONGEST_STRIDE ((1u << 30) - 1)

#define END (1 << 30) /* behind the last column: no gap passes it */

#if defined(ET_STEP_LOOPS) && !defined(ET_NOTED)
#define ROW_LOOP /* of assembly */
#endif

/* gap: from what was passed of the row to the next point; below zero, it lies there.  moved: by
 * how much the weights of the last row did together; digest: what that changes by, at the end. */
typedef struct {
    uint32_t gap, fraction, stride, stride_fraction;
    int32_t moved;
    uint32_t digest;
} row_points;

/* A quotient by more than this is one too few at most, but for short strides. */
static inline uint32_t divisor_of(const row_points *p)
{
    return p->stride + 2;
}

/* The draws of a column in which the next point lies. */
static uint32_t draws_passed(row_points *p)
{
    uint32_t draws = 0;
#ifdef __thumb2__
    draws = (0 - p->gap) / divisor_of(p);
    uint64_t fraction = (uint64_t)draws * p->stride_fraction + p->fraction;
    p->gap += draws * p->stride + (uint32_t)(fraction >> 32);
    p->fraction = (uint32_t)fraction;
#endif
    do {
        p->fraction += p->stride_fraction;
        p->gap += p->stride + (p->fraction < p->stride_fraction ? 1 : 0);
        draws++;
    } while ((int32_t)p->gap < 0);
    return draws;
}

/* Both take the draws of a row's weights, of which there is at least one; p is then behind them. */
#ifdef ROW_LOOP

/* A column's weight has the number of its gradient's address over 4, times column_step, from first
 * on.  The strides are those of points, less than nothing. */
typedef struct {
    et_step_words step;
    uint32_t divisor, stride, column_step, base, first, stride_fraction;
} row_words;

typedef row_words row_facts;

/* A fraction of a stride is never 0: its complement borrows. */
static row_facts facts_of(const et_rows *rows, const row_points *p)
{
    const et_trained *layer = rows->layer;
    et_step_words step = et_step_words_of(layer);
    row_words words = {step, divisor_of(p),         ~p->stride, layer->column_stride, step.base,
                       0,    0 - p->stride_fraction};
    return words;
}

/* As draws_passed has it, of complements of the gap and its fraction, to which magnitudes are
 * added: a carry is out of the gap.  Of a magnitude below 2^30 with its sign, the complement of
 * which is one less, bit 30, which the shift carries out, is that one; and what a step against the
 * sign lacks. */
static void draw_weights(et_rows *rows, uint32_t row, const int32_t *gradient, row_points *p,
                         row_facts *words)
{
    const et_trained *layer = rows->layer;
    words->first = layer->first_index + row * layer->row_stride -
                   (et_address(gradient) >> 2) * words->column_step;
    const int32_t *next = gradient - 1;
    uint32_t gap = ~p->gap, fraction = ~p->fraction, digest = 0, room;
    int32_t moved = 0;
    __asm__ volatile("b 2f\n"
                     "1:\n\t" /* its weight */
                     "ldmia %[words], {r8, r9, r10, r11, r12, lr}\n\t"
                     "lsr %[room], %[next], #2\n\t"
                     "mla r10, %[room], r10, r12\n\t"
                     "udiv r8, %[gap], r8\n\t" /* its draws, less one */
                     "umlal %[fraction], %[gap], r8, lr\n\t"
                     "mla %[gap], r8, r9, %[gap]\n\t"
                     "ldrsb r11, [r11, r10]\n\t"
                     "adds %[fraction], %[fraction], lr\n\t"
                     "adcs %[gap], %[gap], r9\n\t"
                     "bpl 6f\n"
                     "5:\n\t"
                     "eors r8, r8, r7, asr #31\n\t"      /* its steps */
                     "sbc lr, r11, r8\n\t" ET_STEP_TAKEN /* into the weight and the digest */
                     "2:\n\t"                            /* to the column that holds the point */
                     "ldr r7, [%[next], #4]!\n\t"
                     "eors r12, r7, r7, asr #31\n\t"
                     "adcs %[gap], %[gap], r12\n\t"
                     "bcc 2b\n\t"
                     "cmp r7, %[end]\n\t"
                     "bne 1b\n\t"
                     "b 7f\n" ET_STEP_CLAMPED /* where it went too far */
                     "6:\n\t"                 /* where it has more draws */
                     "add r8, r8, #1\n\t"
                     "adds %[fraction], %[fraction], lr\n\t"
                     "adcs %[gap], %[gap], r9\n\t"
                     "bpl 6b\n\t"
                     "b 5b\n"
                     "7:"
                     : [next] "+&r"(next), [gap] "+&r"(gap), [fraction] "+&r"(fraction),
                       [digest] "+&r"(digest), [moved] "+&r"(moved), [room] "=&r"(room)
                     : [words] "r"(&words->divisor), [end] "I"(END)
                     : "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");
    p->gap = END - gap;
    p->fraction = ~fraction;
    p->digest += digest;
    p->moved = moved;
}

#else

typedef char row_facts; /* none */

static inline row_facts facts_of(const et_rows *rows, const row_points *p)
{
    (void)rows, (void)p;
    return 0;
}

/* Apart from the rest, which would take its registers; vectors take the steps apart themselves. */
#ifdef ET_NOTED
#define APART
#else
#define APART __attribute__((noinline))
#endif

static APART void draw_weights(et_rows *rows, uint32_t row, const int32_t *gradient,
                               row_points *points, row_facts *facts)
{
    const int32_t *next = gradient;
    row_points p = *points;
    row_moves moves;
    (void)facts;
    rows->moved = 0;
    moves_open(&moves, rows, row, gradient);
    for (;;) {
        for (uint32_t magnitude; (magnitude = et_magnitude(*next++)) <= p.gap;) {
            p.gap -= magnitude;
        }
        if (next[-1] == END) {
            break;
        }
        p.gap -= et_magnitude(next[-1]);
        int32_t steps = (int32_t)draws_passed(&p);
        moves_add(&moves, gradient, (uint32_t)(next - gradient) - 1,
                  next[-1] < 0 ? -steps : steps);
    }
    moves_end(&moves, rows);
    p.moved = rows->moved;
    *points = p;
}

#endif

/* Leaves the gap from the row's end on; returns the steps of its bias, which is the last column;
 * while the weights are passed it is the end. */
static int32_t draw_in_short_row(et_rows *rows, uint32_t row, int32_t *gradient, row_points *p,
                                 row_facts *facts, uint32_t mass)
{
    int32_t *last = gradient + rows->layer->row_size, bias = *last;
    uint32_t of_bias = et_magnitude(bias), of_weights = mass - of_bias;
    p->moved = 0;
    if (p->gap < of_weights) {
        *last = END;
        draw_weights(rows, row, gradient, p, facts);
        *last = bias;
    } else {
        p->gap -= of_weights;
    }
    p->gap -= of_bias;
    if ((int32_t)p->gap >= 0) {
        return 0;
    }
    int32_t steps = (int32_t)draws_passed(p);
    return bias < 0 ? -steps : steps;
}

/* Points ascend: the row is walked once, as far as they lie in it, and draws of one weight are one
 * step. */
static void draw_in_row(et_rows *rows, uint32_t row, const int32_t *gradient, walk *points,
                        uint64_t mass)
{
    const int32_t *next = gradient;
    uint64_t cumulative = 0;
    row_moves moves;
    rows->moved = 0;
    moves_open(&moves, rows, row, gradient);
    while (points->at < mass) {
        int32_t times = 0;
        while (cumulative <= points->at) {
            cumulative += et_rule_mass(rows->layer, et_magnitude(*next++));
        }
        do {
            times++;
            walk_on(points);
        } while (points->at < cumulative);
        if (et_rule_moves(next[-1])) {
            moves_add(&moves, gradient, (uint32_t)(next - gradient) - 1,
                      next[-1] < 0 ? -times : times);
        }
    }
    moves_end(&moves, rows);
}

/* A stride beyond the longest one ends in another row. */
void et_draw(et_rows *rows, uint64_t total, uint32_t n, uint32_t generator[2])
{
    walk points = walk_of(et_points_start(total, n, generator));
    uint32_t stride = points.stride < LONGEST_STRIDE ? (uint32_t)points.stride : LONGEST_STRIDE;
    row_points p = {0, points.fraction, stride, points.stride_fraction, 0, 0};
    row_facts facts = facts_of(rows, &p);
    for (uint32_t row = 0; row < rows->layer->rows; row++) {
        uint64_t mass = rows->scratch->row_mass[row];
        if (points.at >= mass) {
            points.at -= mass;
            continue;
        }
        int32_t *gradient = rows->gradient(rows, row), steps = 0;
        if (mass >> SHORT_BITS == 0) {
            p.gap = (uint32_t)points.at;
            steps = draw_in_short_row(rows, row, gradient, &p, &facts, (uint32_t)mass);
            points.at = points.stride - stride + p.gap;
        } else {
            points.fraction = p.fraction;
            draw_in_row(rows, row, gradient, &points, mass);
            points.at -= mass;
            p.fraction = points.fraction;
            p.moved = rows->moved;
        }
        et_centre_bias(rows->layer, row, rows->centre, p.moved, steps, &p.digest);
    }
    *rows->digest += p.digest;
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
            rows->moved += et_step(rows->layer, row, column, *next < 0 ? -1 : 1, rows->digest);
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
            rows->moved = 0;
            draw_in_row(rows, row, scratch->row_mass[row] - before, generator);
            et_centre_bias(rows->layer, row, rows->centre, rows->moved, 0, rows->digest);
        }
        before = scratch->row_mass[row];
    }
}

#endif
