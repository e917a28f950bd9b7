/* A dense layer's update: its gradient is the outer product of errors and inputs, so rows
 * share one array of cumulative magnitudes, and no row is ever formed. */
#include <stddef.h>

#include "centre.h"
#include "draw.h"
#include "error_block.h"
#include "generator.h"
#include "step.h"
#include "trials.h"
#include "update.h"

#define NEAR 16u
#define LONGEST_STRIDE (1u << 30)

/* cumulative: twice the inputs' cumulative magnitudes about their centre, plus one where the input
 * is below it; the bias' input is the last.  moved: by how much the weights of the last row did
 * together. */
typedef struct {
    const et_trained *layer;
    const et_update_scratch *scratch;
    uint32_t *digest;
    const int8_t *e;
    const uint32_t *cumulative;
    int32_t centre, moved;
} factored_rows;

#ifdef ET_STEP_LOOPS

#ifdef ET_RULE_SQUARES
#define ADD_SQUARE "mla %[squares], r8, r8, %[squares]\n\t"
#else
#define ADD_SQUARE
#endif

/* The complement of a value below the origin lacks one of its magnitude, and has bit 30 set, which
 * the shift carries out. */
static uint32_t add_inputs(const int8_t *x, uint32_t count, int32_t origin, uint32_t *cumulative,
                           uint32_t *squares)
{
    uint32_t total = 0;
    __asm__ volatile("1:\n\t"
                     "ldrsb r8, [%[x]], #1\n\t"
                     "sub r8, r8, %[origin]\n\t" ADD_SQUARE "eors r8, r8, r8, asr #31\n\t"
                     "adc %[total], %[total], r8\n\t"
                     "adc r8, %[total], %[total]\n\t"
                     "str r8, [%[cumulative]], #4\n\t"
                     "cmp %[x], %[end]\n\t"
                     "bne 1b"
                     : [x] "+&r"(x), [cumulative] "+&r"(cumulative), [total] "+&r"(total),
                       [squares] "+&r"(*squares)
                     : [end] "r"(x + count), [origin] "r"(origin)
                     : "r8", "cc", "memory");
    return total;
}

#else

static uint32_t add_inputs(const int8_t *x, uint32_t count, int32_t origin, uint32_t *cumulative,
                           uint32_t *squares)
{
    uint32_t total = 0;
    for (; count; count--) {
        int32_t value = *x++ - origin;
        uint32_t magnitude = et_magnitude(value);
        total += magnitude;
        *squares += (uint32_t)et_rule_square(magnitude, 0);
        *cumulative++ = 2 * total + ((uint32_t)value >> 31);
    }
    return total;
}

#endif

/* Writes f->cumulative, and adds the squares of the magnitudes up, which fit 32 bits as a row's
 * widths do; returns the magnitudes' sum. */
static uint32_t accumulate(const et_trained *layer, const int8_t *x, int32_t origin,
                           uint32_t *cumulative, uint32_t *squares)
{
    uint32_t total = add_inputs(x, layer->row_size, origin, cumulative, squares) + ET_BIAS_INPUT;
    *squares += (uint32_t)et_rule_square(ET_BIAS_INPUT, 0);
    cumulative[layer->row_size] = 2 * total;
    return total;
}

/* The first column from low on with cumulative > least; strides that double find its surroundings,
 * halving finds it there. */
static uint32_t find_column(const uint32_t *cumulative, uint32_t high, uint32_t least,
                            uint32_t low)
{
    for (uint32_t stride = 4; low + stride < high; stride += stride) {
        if (cumulative[low + stride] > least) {
            high = low + stride;
            break;
        }
        low += stride + 1;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (cumulative[middle] > least) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

#ifdef ET_DRAW_INDEPENDENT

/* One step at a point of a row: |e| * sum > point where sum > point / |e|; a row's mass is below
 * 2^30. */
static void step_at(factored_rows *f, uint32_t row, uint32_t point)
{
    uint32_t least = 2 * (point / et_magnitude(f->e[row])) + 1;
    uint32_t column = find_column(f->cumulative, f->layer->row_size, least, 0);
    int32_t below = (f->cumulative[column] & 1) != 0, negative = f->e[row] < 0;
    f->moved += et_step(f->layer, row, column, below != negative ? -1 : 1, f->digest);
}

static void draw(factored_rows *f, uint64_t total, uint32_t n, uint32_t generator[2])
{
    et_draw_rows(f->layer, f->scratch, total, n, generator);
    uint32_t inputs = f->cumulative[f->layer->row_size] / 2;
    for (uint32_t row = 0; row < f->layer->rows; row++) {
        uint64_t mass = (uint64_t)inputs * et_magnitude(f->e[row]);
        f->moved = 0;
        for (uint32_t hits = f->scratch->row_hits[row]; hits; hits--) {
            step_at(f, row, (uint32_t)et_generator_below(generator, mass));
        }
        et_centre_bias(f->layer, row, f->centre, f->moved, 0, f->digest);
    }
}

#else

/* Points of a row over |e|, as the sums are kept, twice and one: |e| * sum > point where sum > at,
 * a quotient by |e| and by the number of draws, its remainder carried along.  moved: what weights
 * moved by together. */
typedef struct {
    uint32_t at, rest, stride, stride_rest, divisor;
    int32_t moved;
} row_points;

static row_points over_error(const et_points *points, uint32_t error)
{
    uint32_t at = (uint32_t)points->at, stride = (uint32_t)points->stride, n = points->n;
    row_points p = {2 * (at / error) + 1,
                    at % error * n + points->rest,
                    2 * (stride / error),
                    stride % error * n + points->stride_rest,
                    n * error,
                    0};
    return p;
}

static inline void next_point(row_points *p)
{
    p->at += p->stride;
    p->rest += p->stride_rest;
    if (p->rest >= p->divisor) {
        p->rest -= p->divisor;
        p->at += 2;
    }
}

/* A row's weights as its steps take them.  divisor: of its points.  first: a column's weight has
 * the number of its sum's address over 4 from there on.  sign: of the error, and less twice that,
 * which turns it where an input lies below the centre. */
typedef struct {
    et_step_words step;
    uint32_t divisor, first, base, stride, stride_rest;
    int32_t turned, sign;
    int8_t *weights;
    const uint32_t *cumulative;
} row_facts;

/* One step of the weight under next, for all draws that fall on it; returns the digest's change. */
static inline uint32_t step_drawn(const row_facts *f, const uint32_t *next, row_points *p)
{
    uint32_t passed = *next, column = (uint32_t)(next - f->cumulative);
    int32_t steps = 0, value = f->weights[column];
    do {
        steps++;
        next_point(p);
    } while (p->at < passed);
    int32_t sign = f->sign + (int32_t)(passed & 1) * f->turned;
    int32_t moved = et_moved_weight(value, steps * sign);
    f->weights[column] = (int8_t)moved;
    p->moved += moved - value;
    return et_digest_term(et_address(f->weights + column) - f->step.base, moved - value);
}

/* Points and columns ascend, at least one point below inputs.  Columns are passed one by one; both
 * return what the digest changes by. */
#ifdef ET_NOTED

/* Points of a row in lanes: of each lane four strides from one to the next. */
typedef struct {
    uint32_t at[4], rest[4], stride, stride_rest, divisor;
} point_lanes;

static point_lanes lanes_of(row_points p)
{
    uint32_t rest = 4 * p.stride_rest;
    point_lanes lanes;
    lanes.stride = 4 * p.stride + 2 * (rest / p.divisor);
    lanes.stride_rest = rest % p.divisor;
    lanes.divisor = p.divisor;
    for (uint32_t k = 0; k < 4; k++) {
        lanes.at[k] = p.at;
        lanes.rest[k] = p.rest;
        next_point(&p);
    }
    return lanes;
}

/* The next ET_NOTED points. */
static void lay_points(point_lanes *lanes, uint32_t *points)
{
    uint32x4_t at = vldrwq_u32(lanes->at), rest = vldrwq_u32(lanes->rest);
    __asm__ volatile(
        "dls lr, %[turns]\n"
        "1:\n\t"
        "vstrw.32 %q[at], [%[points]], #16\n\t"
        "vadd.i32 %q[at], %q[at], %[stride]\n\t"
        "vadd.i32 %q[rest], %q[rest], %[stride_rest]\n\t"
        "vptt.u32 cs, %q[rest], %[divisor]\n\t"
        "vsubt.i32 %q[rest], %q[rest], %[divisor]\n\t"
        "vaddt.i32 %q[at], %q[at], %[carry]\n\t"
        "le lr, 1b"
        : [at] "+&w"(at), [rest] "+&w"(rest), [points] "+&r"(points)
        : [turns] "r"(ET_NOTED / 4), [stride] "r"(lanes->stride),
          [stride_rest] "r"(lanes->stride_rest), [divisor] "r"(lanes->divisor), [carry] "r"(2)
        : "lr", "cc", "memory");
    vstrwq_u32(lanes->at, at);
    vstrwq_u32(lanes->rest, rest);
}

/* The last point that was looked at, its number of those that were laid, and the steps noted. */
typedef struct {
    uint32_t at, number, noted;
} last_point;

/* From column on notes those that hold points, up to inputs or the last of the points.  Draws of
 * one weight are one step.  Points lie where steps are noted: a step never comes before its point.
 * */
static last_point note_points(et_noted_steps *noted, const uint32_t **column, uint32_t inputs)
{
    const void **place = noted->at;
    const int32_t *points = noted->steps;
    const uint32_t *next = *column - 1; /* the first may be in the column of the last one noted */
    uint32_t cumulative = 0, at, more;
    __asm__ volatile("dls lr, %[count]\n"
                     "1:\n\t"
                     "ldr %[at], [%[points]], #4\n\t"
                     "cmp %[at], %[inputs]\n\t"
                     "bcs 4f\n\t"
                     "cmp %[at], %[cumulative]\n\t"
                     "bcc 3f\n"
                     "2:\n\t" /* to the column that holds the point */
                     "ldr %[cumulative], [%[next], #4]!\n\t"
                     "cmp %[cumulative], %[at]\n\t"
                     "bls 2b\n\t"
                     "sbfx r12, %[cumulative], #0, #1\n\t" /* a step of its sign */
                     "orr r12, r12, #1\n\t"
                     "str r12, [%[place], %[steps]]\n\t"
                     "str %[next], [%[place]], #4\n\t"
                     "le lr, 1b\n\t"
                     "b 4f\n"
                     "3:\n\t" /* one more of the same weight */
                     "ldr %[more], [%[place], %[last]]\n\t"
                     "add %[more], %[more], r12\n\t"
                     "str %[more], [%[place], %[last]]\n\t"
                     "le lr, 1b\n"
                     "4:"
                     : [points] "+&r"(points), [next] "+&r"(next), [place] "+&r"(place),
                       [cumulative] "+&r"(cumulative), [at] "=&r"(at), [more] "=&r"(more)
                     : [count] "r"(ET_NOTED), [inputs] "r"(inputs),
                       [steps] "I"(offsetof(et_noted_steps, steps)),
                       [last] "I"(offsetof(et_noted_steps, steps) - 4)
                     : "r12", "lr", "cc", "memory");
    *column = next;
    last_point found = {at, (uint32_t)(points - noted->steps) - 1, (uint32_t)(place - noted->at)};
    return found;
}

static uint32_t draw_near(const row_facts *f, uint32_t inputs, row_points *p)
{
    const uint32_t *column = f->cumulative;
    uint32_t digest = 0, rest;
    last_point last;
    point_lanes lanes = lanes_of(*p);
    et_noted_steps noted;
    noted.first = f->cumulative;
    noted.sign = f->sign;
    noted.moved = 0;
    noted.weights = f->weights;
    noted.step = 1;
    noted.place = (et_address(f->weights) - f->step.base) * ET_DIGEST_STRIDE;
    noted.place_step = ET_DIGEST_STRIDE;
    do {
        rest = lanes.rest[0];
        lay_points(&lanes, (uint32_t *)noted.steps);
        last = note_points(&noted, &column, inputs);
        if (last.noted) {
            digest += et_step_noted(&noted, last.noted);
        }
    } while (last.at < inputs);
    p->at = last.at;
    p->rest = (rest + last.number * p->stride_rest) % p->divisor;
    p->moved = noted.moved;
    return digest;
}

#elif defined(ET_STEP_LOOPS)

/* Registers hold the points.  rest is kept less divisor, so that adding to it carries where it
 * reaches it. */
static uint32_t draw_near(const row_facts *f, uint32_t inputs, row_points *p)
{
    const uint32_t *next = f->cumulative - 1;
    uint32_t at = p->at, rest = p->rest - p->divisor, digest = 0;
    int32_t moved = 0;
    __asm__ volatile("1:\n\t" /* to the column that holds the point */
                     "ldr r7, [%[next], #4]!\n\t"
                     "cmp r7, %[at]\n\t"
                     "bls 1b\n\t"
                     "ldmia %[words], {r9, r10, r11, r12, lr}\n\t" /* its weight, its draws */
                     "add r10, r10, %[next], lsr #2\n\t"
                     "ldrsb r11, [r11, r10]\n\t"
                     "mov r8, #0\n"
                     "2:\n\t"
                     "add %[at], %[at], r12\n\t"
                     "adds %[rest], %[rest], lr\n\t"
                     "itt cs\n\t"
                     "addcs %[at], %[at], #2\n\t"
                     "subcs %[rest], %[rest], r9\n\t"
                     "add r8, r8, #1\n\t"
                     "cmp %[at], r7\n\t"
                     "bcc 2b\n\t"
                     "ldrd r12, lr, [%[words], %[signs]]\n\t" /* its steps */
                     "and r7, r7, #1\n\t"
                     "mla lr, r7, r12, lr\n\t"
                     "mls lr, r8, lr, r11\n\t" ET_STEP_TAKEN /* into the weight and the digest */
                     "cmp %[at], %[inputs]\n\t"
                     "bcc 1b\n\t"
                     "b 5f\n" ET_STEP_CLAMPED /* where it went too far */
                     "5:"
                     : [next] "+&r"(next), [at] "+&r"(at), [rest] "+&r"(rest),
                       [digest] "+&r"(digest), [moved] "+&r"(moved)
                     : [words] "r"(&f->divisor), [inputs] "r"(inputs),
                       [signs] "I"(offsetof(row_facts, turned) - offsetof(row_facts, divisor))
                     : "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");
    p->at = at;
    p->rest = rest + p->divisor;
    p->moved = moved;
    return digest;
}

#else

static uint32_t draw_near(const row_facts *f, uint32_t inputs, row_points *p)
{
    uint32_t digest = 0;
    for (const uint32_t *next = f->cumulative; p->at < inputs;) {
        while (*next <= p->at) {
            next++;
        }
        digest += step_drawn(f, next, p);
    }
    return digest;
}

#endif

/* Where a draw passes many columns. */
static uint32_t draw_far(const row_facts *f, uint32_t inputs, uint32_t size, row_points *p)
{
    uint32_t digest = 0;
    for (uint32_t column = 0; p->at < inputs;) {
        if (f->cumulative[column] <= p->at) {
            column = find_column(f->cumulative, size, p->at, column + 1);
        }
        digest += step_drawn(f, f->cumulative + column, p);
    }
    return digest;
}

static void draw_weights(const factored_rows *f, uint32_t row, row_points *p)
{
    const et_trained *layer = f->layer;
    uint32_t size = layer->row_size, inputs = f->cumulative[size - 1];
    int32_t sign = f->e[row] < 0 ? -1 : 1;
    int8_t *weights = layer->weights + row * size;
    et_step_words step = et_step_words_of(layer);
    row_facts facts = {step,
                       p->divisor,
                       layer->first_index + row * size - (et_address(f->cumulative) >> 2),
                       step.base,
                       p->stride,
                       p->stride_rest,
                       -2 * sign,
                       sign,
                       weights,
                       f->cumulative};
    if (p->at >= inputs) {
        return;
    }
    int far = (uint64_t)p->stride * size > (uint64_t)inputs * NEAR;
    *f->digest += far ? draw_far(&facts, inputs, size, p) : draw_near(&facts, inputs, p);
}

/* The bias is the last column; returns its steps. */
static int32_t draw_in_row(factored_rows *f, uint32_t row, et_points *points)
{
    int32_t steps = 0;
    uint32_t error = et_magnitude(f->e[row]), inputs = f->cumulative[f->layer->row_size];
    row_points p = over_error(points, error);
    draw_weights(f, row, &p);
    f->moved = p.moved;
    for (; p.at < inputs; next_point(&p)) {
        steps++;
    }
    points->at = (uint64_t)(p.at / 2) * error + p.rest / points->n;
    points->rest = p.rest % points->n;
    return f->e[row] < 0 ? -steps : steps;
}

/* Strides beyond the longest one end in another row: a row's mass is below 2^30. */
static void draw(factored_rows *f, uint64_t total, uint32_t n, uint32_t generator[2])
{
    et_points points = et_points_start(total, n, generator);
    uint64_t beyond = points.stride > LONGEST_STRIDE ? points.stride - LONGEST_STRIDE : 0;
    points.stride -= beyond;
    for (uint32_t row = 0; row < f->layer->rows; row++) {
        uint64_t mass = f->scratch->row_mass[row];
        if (points.at < mass) {
            int32_t steps = draw_in_row(f, row, &points);
            points.at += beyond;
            et_centre_bias(f->layer, row, f->centre, f->moved, steps, f->digest);
        }
        points.at -= mass;
    }
}

#endif

uint32_t et_update_factored(const et_trained *layer, const int8_t *e, int32_t exponent,
                            const int8_t *x, int32_t input_zero_point, et_learner *learner,
                            const et_update_scratch *scratch, uint32_t *digest)
{
    uint32_t *cumulative = (uint32_t *)scratch->gradient;
    factored_rows f = {layer, scratch, digest, e, cumulative, et_centre(layer, x), 0};
    uint32_t of_inputs = 0;
    uint64_t of_errors = 0, total = 0;
    uint64_t inputs = accumulate(layer, x, input_zero_point + f.centre, cumulative, &of_inputs);
    for (uint32_t row = 0; row < layer->rows; row++) {
        uint32_t error = et_magnitude(e[row]);
        of_errors += et_rule_square(error, 0);
        scratch->row_mass[row] = inputs * error;
        total += scratch->row_mass[row];
    }
    if (total == 0) {
        return 0;
    }
    et_gradient facts = {total, of_inputs * of_errors, exponent, e};
    uint32_t n = et_trials(layer, &facts, learner);
    if (n) {
        draw(&f, total, n, learner->generator);
    }
    return n;
}
