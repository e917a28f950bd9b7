/* A systematic draw against one that looks for every point's weight from the start, on the core
 * itself, over random gradients: every weight, every bias and the digest.  Sends "equal" or
 * "draw", and a line's end. */
#include <string.h>

#include "centre.h"
#include "draw.h"
#include "error_block.h"
#include "port.h"
#include "step.h"

#define ROWS 6
#define SIZE 300

typedef struct {
    int8_t weights[ROWS * SIZE];
    int32_t bias[ROWS];
    uint32_t digest;
} drawn;

static uint32_t state = 1;
static int32_t gradient[ROWS * (SIZE + 1)];
static uint64_t row_mass[ROWS];
static drawn one, other;
static uint64_t offset; /* of the points */

void et_rx_byte(uint8_t byte)
{
    (void)byte;
}

static uint32_t below(uint32_t n)
{
    state = state * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)state * n >> 32);
}

/* In place of generator.c. */
uint64_t et_generator_below(uint32_t generator[2], uint64_t n)
{
    (void)generator, (void)n;
    return offset;
}

static int32_t *row_of(et_rows *rows, uint32_t row)
{
    return gradient + row * (rows->layer->row_size + 1);
}

/* Rows of small magnitudes, of few, of masses about 2^30 and far above: strides of all lengths. */
static uint64_t random_row(int32_t *values, uint32_t count)
{
    static const uint32_t most[] = {2, 256, 1u << 20, 1u << 22, 1u << 25, 1u << 31};
    uint32_t limit = most[below(6)], many = below(2);
    uint64_t mass = 0;
    for (uint32_t i = 0; i < count; i++) {
        int32_t magnitude = many || below(16) == 0 ? (int32_t)below(limit) : 0;
        values[i] = below(2) ? magnitude : -magnitude;
        mass += (uint32_t)magnitude;
    }
    return mass;
}

static et_trained random_layer(uint64_t *total)
{
    et_trained layer = {.rows = 1 + below(ROWS), .row_size = 1 + below(SIZE)};
    uint32_t transposed = below(2);
    layer.row_stride = transposed ? 1 : layer.row_size;
    layer.column_stride = transposed ? layer.rows : 1;
    layer.first_index = below(10000);
    *total = 0;
    for (uint32_t row = 0; row < layer.rows; row++) {
        row_mass[row] = random_row(gradient + row * (layer.row_size + 1), layer.row_size + 1);
        *total += row_mass[row];
        int32_t room = (int32_t)below(below(2) ? 64 : 1u << 31); /* to an end */
        one.bias[row] = below(2) ? (1 << 30) - room : room - (1 << 30);
    }
    for (uint32_t i = 0; i < ROWS * SIZE; i++) {
        one.weights[i] = (int8_t)(below(4) ? (int32_t)below(255) - 127 : below(2) ? 127 : -127);
    }
    one.digest = below(1u << 31);
    other = one;
    return layer;
}

static et_trained holding(et_trained layer, drawn *what)
{
    layer.weights = what->weights;
    layer.bias = what->bias;
    return layer;
}

static void step_at(const et_trained *layer, uint64_t point)
{
    uint32_t row = 0, column = 0;
    for (; point >= row_mass[row]; row++) {
        point -= row_mass[row];
    }
    const int32_t *values = gradient + row * (layer->row_size + 1);
    for (; point >= et_magnitude(values[column]); column++) {
        point -= et_magnitude(values[column]);
    }
    et_step(layer, row, column, values[column] < 0 ? -1 : 1, &other.digest);
}

/* What the weights of a row moved by, taken together. */
static void hold_centre(const et_trained *layer, const int8_t *before, int32_t centre)
{
    for (uint32_t row = 0; row < layer->rows; row++) {
        int32_t moved = 0;
        for (uint32_t column = 0; column < layer->row_size; column++) {
            uint32_t at = row * layer->row_stride + column * layer->column_stride;
            moved += layer->weights[at] - before[at];
        }
        et_centre_bias(layer, row, centre, moved, 0, &other.digest);
    }
}

/* Any, or one whose first point is the last of the first row's weights, and the next as far as
 * can be. */
static uint64_t random_offset(const et_trained *layer, uint64_t total, uint32_t n)
{
    uint64_t weights = row_mass[0] - et_magnitude(gradient[layer->row_size]);
    uint64_t at_end = weights * n - 1;
    return below(2) && weights && at_end < total
               ? at_end
               : ((uint64_t)below(1u << 31) << 31 | below(1u << 31)) % total;
}

static void next_point(et_points *points)
{
    points->rest += points->stride_rest;
    points->at += points->stride;
    if (points->rest >= points->n) {
        points->rest -= points->n;
        points->at++;
    }
}

static int agree(void)
{
    uint64_t total;
    et_trained layer = random_layer(&total), mine = holding(layer, &one);
    et_trained reference = holding(layer, &other);
    uint32_t most[] = {1, 4, 60, 2000}, n = 1 + below(most[below(4)]);
    n = total >> 16 || below(4) ? n
                                : 65535 - below(3); /* the most, where fractions are coarsest */
    if (total == 0) {
        return 1;
    }
    offset = random_offset(&layer, total, n);
    et_update_scratch scratch = {gradient, row_mass, NULL};
    et_rows rows = {&mine, &scratch, &one.digest, row_of, (int32_t)below(511) - 255, 0};
    drawn before = one;
    et_draw(&rows, total, n, NULL);
    et_points points = et_points_start(total, n, NULL);
    for (; n; n--, next_point(&points)) {
        step_at(&reference, points.at);
    }
    hold_centre(&reference, before.weights, rows.centre);
    return memcmp(&one, &other, sizeof one) == 0;
}

int main(void)
{
    const char *found = "equal";
    port_start();
    for (uint32_t i = 0; i < ROUNDS; i++) {
        found = agree() ? found : "draw";
    }
    port_tx((const uint8_t *)found, (uint32_t)strlen(found));
    port_tx((const uint8_t *)"\n", 1);
    for (;;) {
    }
}
