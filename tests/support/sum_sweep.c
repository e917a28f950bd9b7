/* A row's mass and squares, distances of bytes, and their centre against plain sums, on the core
 * itself, up to the largest gradients.  Sends "equal", "row", "distances" or "centre", and a line's
 * end. */
#include <string.h>

#include "centre.h"
#include "error_block.h"
#include "port.h"
#include "row_mass.h"

#define SIZE 70

static uint32_t state = 1;
static int32_t gradient[SIZE];
static int8_t bytes[SIZE] __attribute__((aligned(4)));

void et_rx_byte(uint8_t byte)
{
    (void)byte;
}

static uint32_t below(uint32_t n)
{
    state = state * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)state * n >> 32);
}

/* Squares without a shift are of magnitudes below 2^30. */
static int row_agrees(void)
{
    uint32_t shift = below(3), most = shift ? 1u << 31 : 1u << 30, few = below(2);
    et_rule_constants rule = {.square_shift = (uint8_t)shift};
    et_trained layer = {.row_size = below(SIZE), .rule = &rule};
    uint64_t mass = 0, squares = (uint64_t)below(1u << 31) << below(31), found = squares;
    for (uint32_t i = 0; i <= layer.row_size; i++) {
        uint32_t magnitude = below(4) ? below(few ? 300 : most) : most - 1;
        gradient[i] = below(2) ? (int32_t)magnitude : -(int32_t)magnitude;
        mass += magnitude;
        squares += (uint64_t)(magnitude >> shift) * (magnitude >> shift);
    }
    return et_row_mass(&layer, gradient, &found) == mass && found == squares;
}

static int distances_agree(void)
{
    uint32_t count = 1 + below(SIZE), step = 1 + below(5), sum = 0, errors = 0, outputs = 0;
    int32_t zero_point = (int32_t)below(256) - 128;
    for (uint32_t i = 0; i < count; i++) {
        bytes[i] = (int8_t)(below(256) - 128);
        sum += (uint32_t)(bytes[i] + 128);
        errors += et_magnitude(bytes[i]);
        outputs += i % step ? 0 : et_magnitude(bytes[i] - zero_point);
    }
    return et_sum_distances(bytes, count, 0) == sum &&
           et_sum_distances(bytes, count, 0x80808080u) == errors &&
           et_output_size(bytes, count, step, zero_point) == outputs;
}

static int centre_agrees(void)
{
    et_rule_constants rule = {.inputs = 1 + below(SIZE), .input_zero_point = -7};
    et_trained layer = {.rule = &rule};
    int32_t sum = 0, count = (int32_t)rule.inputs;
    for (int32_t i = 0; i < count; i++) {
        bytes[i] = (int8_t)(below(256) - 128);
        sum += bytes[i] + 128;
    }
    return et_centre(&layer, bytes) == (2 * sum + count) / (2 * count) - 128 + 7;
}

int main(void)
{
    const char *found = "equal";
    port_start();
    for (uint32_t i = 0; i < ROUNDS; i++) {
        found = row_agrees() ? found : "row";
        found = distances_agree() ? found : "distances";
        found = centre_agrees() ? found : "centre";
    }
    port_tx((const uint8_t *)found, (uint32_t)strlen(found));
    port_tx((const uint8_t *)"\n", 1);
    for (;;) {
    }
}
