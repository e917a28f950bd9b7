/* A dense layer's update: its gradient is the outer product of errors and inputs, so rows
 * share one array of cumulative magnitudes, and no row is ever formed. */
#include "draw.h"
#include "error_block.h"
#include "step.h"
#include "trials.h"
#include "update.h"

typedef struct {
    et_rows rows; /* first: the draw sees only this part */
    const int8_t *e, *x;
    int32_t zero_point;
    const uint32_t *cumulative; /* of the inputs' magnitudes, the bias' input last */
} factored_rows;

/* Writes the cumulative magnitudes, and adds their squares up; returns the last. */
static uint32_t accumulate(const et_trained *layer, const int8_t *x, int32_t zero_point,
                           uint32_t *cumulative, uint64_t *squares)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < layer->row_size; i++) {
        uint32_t magnitude = et_magnitude(x[i] - zero_point);
        total += magnitude;
        *squares += et_rule_square(layer->rule, magnitude);
        cumulative[i] = total;
    }
    total += ET_BIAS_INPUT;
    *squares += et_rule_square(layer->rule, ET_BIAS_INPUT);
    cumulative[layer->row_size] = total;
    return total;
}

/* The first column from low on with cumulative > least; strides that double find its surroundings,
 * halving finds it there. */
static uint32_t find_column(const factored_rows *f, uint32_t least, uint32_t low)
{
    const uint32_t *cumulative = f->cumulative;
    uint32_t high = f->rows.layer->row_size;
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

static void step_column(const factored_rows *f, uint32_t row, uint32_t column)
{
    const et_trained *layer = f->rows.layer;
    int32_t sign = f->e[row] < 0 ? -1 : 1;
    if (column == layer->row_size) {
        et_step(layer, row, column, sign, f->rows.digest);
        return;
    }
    sign = f->x[column] < f->zero_point ? -sign : sign;
    et_step_weight(layer, row * layer->row_size + column, sign, f->rows.digest);
}

#ifdef ET_DRAW_INDEPENDENT

/* |e| * cumulative > point where cumulative > point / |e|; a row's mass fits 32 bits. */
static void hit(et_rows *rows, uint32_t row, uint64_t point)
{
    const factored_rows *f = (const factored_rows *)rows;
    uint32_t least = (uint32_t)point / et_magnitude(f->e[row]);
    step_column(f, row, find_column(f, least, 0));
}

static void draw(factored_rows *f, uint64_t total, uint32_t n, uint32_t generator[2])
{
    f->rows.hit = hit;
    et_draw(&f->rows, total, n, generator);
}

#else

/* Row by row, as et_draw: in a row points and columns ascend.  |e| * cumulative > point where
 * cumulative > point / |e|; a row's mass fits 32 bits. */
static void draw(factored_rows *f, uint64_t total, uint32_t n, uint32_t generator[2])
{
    et_points points = et_points_start(total, n, generator);
    for (uint32_t row = 0; n; row++) {
        uint64_t mass = f->rows.scratch->row_mass[row];
        uint32_t error = et_magnitude(f->e[row]), column = 0;
        for (; n && points.at < mass; n--) {
            uint32_t least = (uint32_t)points.at / error;
            if (f->cumulative[column] <= least) {
                column = find_column(f, least, column + 1);
            }
            step_column(f, row, column);
            et_points_next(&points);
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
    factored_rows f = {{layer, scratch, digest, 0}, e, x, input_zero_point, cumulative};
    uint64_t of_inputs = 0, of_errors = 0, total = 0;
    uint64_t inputs = accumulate(layer, x, input_zero_point, cumulative, &of_inputs);
    for (uint32_t row = 0; row < layer->rows; row++) {
        uint32_t error = et_magnitude(e[row]);
        of_errors += et_rule_square(layer->rule, error);
        scratch->row_mass[row] = inputs * error;
        total += scratch->row_mass[row];
    }
    if (total == 0) {
        return 0;
    }
    et_gradient facts = {total, of_inputs * of_errors, exponent, e};
    uint32_t n = et_trials(layer, facts, learner);
    if (n) {
        draw(&f, total, n, learner->generator);
    }
    return n;
}
