/* RESIZE_BILINEAR. */
#include "error_block.h"

#define STEPS 1024 /* from one row of the input to the next */
#define GROUP 4    /* channels whose errors are summed at once */

/* Where the i-th place of the output lies in the input. */
static int32_t place_of(const et_interpolation *axis, uint32_t i)
{
    int32_t place = (int32_t)i * axis->step + axis->first;
    int32_t last = (axis->in - 1) * STEPS;
    return place < 0 ? 0 : place > last ? last : place;
}

/* Of two values the one at a place between them, times STEPS. */
static int32_t between(int32_t value, int32_t next, int32_t place)
{
    return STEPS * value + (next - value) * (place % STEPS);
}

static int8_t rounded(int32_t sum)
{
    int32_t half = STEPS * STEPS / 2;
    return (int8_t)((sum > 0 ? sum + half : sum - half) / (STEPS * STEPS));
}

/* How much further the next value lies, as far as a place takes any of it. */
static uint32_t next_of(int32_t place, uint32_t distance)
{
    return place % STEPS ? distance : 0;
}

void et_resize_bilinear_forward(const et_resize_bilinear *p, const int8_t *x, int8_t *y)
{
    uint32_t row_size = (uint32_t)p->columns.in * p->channels;
    for (uint32_t i = 0; i < p->rows.out; i++) {
        int32_t row = place_of(&p->rows, i);
        uint32_t below = next_of(row, row_size);
        for (uint32_t j = 0; j < p->columns.out; j++) {
            int32_t column = place_of(&p->columns, j);
            uint32_t right = next_of(column, p->channels);
            const int8_t *cell = x + (uint32_t)(row / STEPS) * row_size;
            cell += (uint32_t)(column / STEPS) * p->channels;
            for (uint32_t k = 0; k < p->channels; k++, cell++) {
                int32_t upper = between(cell[0], cell[right], column);
                int32_t lower = between(cell[below], cell[below + right], column);
                *y++ = rounded(between(upper, lower, row));
            }
        }
    }
}

/* What the i-th place takes of a row or column of the input, by its number; nothing beyond the
 * last. */
static int32_t weight_of(const et_interpolation *axis, uint32_t i, uint32_t number)
{
    int32_t distance = place_of(axis, i) - (int32_t)number * STEPS;
    if (i == axis->out || distance >= STEPS || distance <= -STEPS) {
        return 0;
    }
    return STEPS - (distance < 0 ? -distance : distance);
}

/* The first place from i on that takes something of an input's row or column, or lies behind it. */
static uint32_t first_reader(const et_interpolation *axis, uint32_t i, uint32_t number)
{
    while (i < axis->out && place_of(axis, i) <= ((int32_t)number - 1) * STEPS) {
        i++;
    }
    return i;
}

/* A row or column of the input, and the first place of the output that may read it. */
typedef struct {
    uint32_t number, reader;
} source;

/* Of n channels of one cell the sums over all that read it; e begins with these channels. */
static void cell_error(const et_resize_bilinear *p, const int8_t *e, source row, source column,
                       uint32_t n, int32_t *acc)
{
    int32_t down, along;
    for (uint32_t i = row.reader; (down = weight_of(&p->rows, i, row.number)) > 0; i++) {
        const int8_t *error = e + (i * p->columns.out + column.reader) * p->channels;
        for (uint32_t j = column.reader; (along = weight_of(&p->columns, j, column.number)) > 0;
             j++) {
            int32_t weight = (down >> p->error_shift) * (along >> p->error_shift);
            for (uint32_t k = 0; k < n; k++) {
                acc[k] += weight * error[k];
            }
            error += p->channels;
        }
    }
}

int32_t et_resize_bilinear_input_error(const et_resize_bilinear *p, const int8_t *e,
                                       const int8_t *x, et_clip clip, int8_t *e_in)
{
    et_error_block block = et_error_open(e_in, x, clip);
    source row = {0, 0};
    for (; row.number < p->rows.in; row.number++) {
        source column = {0, 0};
        row.reader = first_reader(&p->rows, row.reader, row.number);
        for (; column.number < p->columns.in; column.number++) {
            column.reader = first_reader(&p->columns, column.reader, column.number);
            for (uint32_t c = 0; c < p->channels; c += GROUP) {
                uint32_t n = p->channels - c < GROUP ? p->channels - c : GROUP;
                int32_t acc[GROUP] = {0};
                cell_error(p, e + c, row, column, n, acc);
                et_error_put_many(&block, acc, n);
            }
        }
    }
    return (int32_t)block.shift;
}
