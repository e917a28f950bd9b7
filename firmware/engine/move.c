/* What moves values along straight lines: TRANSPOSE, slices, splits, TILE, ... */
#include <string.h>

#include "error_block.h"

/* Where a walk along axes stands: offsets in the input and in the output. */
typedef struct {
    uint32_t turn[ET_MOVE_AXES];
    int32_t x, y;
} et_walk;

/* One step of the innermost axis, and of those around it where it is at its end; 0 behind the
 * last one. */
static int advance(et_walk *walk, const et_axis *axes, uint32_t count)
{
    while (count--) {
        const et_axis *axis = axes + count;
        walk->x += axis->x_step;
        walk->y += axis->y_step;
        if (++walk->turn[count] < axis->count) {
            return 1;
        }
        walk->turn[count] = 0;
        walk->x -= axis->x_step * (int32_t)axis->count;
        walk->y -= axis->y_step * (int32_t)axis->count;
    }
    return 0;
}

static void copy_run(const et_axis *run, const int8_t *x, int8_t *y)
{
    if (run->x_step == 1 && run->y_step == 1) {
        memcpy(y, x, run->count);
        return;
    }
    for (uint32_t i = run->count; i; i--, x += run->x_step, y += run->y_step) {
        *y = *x;
    }
}

void et_move_forward(const et_move *p, const int8_t *x, int8_t *y)
{
    et_walk walk = {{0}, 0, 0};
    x += p->begin;
    do {
        copy_run(&p->run, x + walk.x, y + walk.y);
    } while (advance(&walk, p->axes, p->distinct + p->repeated));
}

/* Over all that read one value. */
static int32_t sum_readers(const et_move *p, const int8_t *e)
{
    et_walk walk = {{0}, 0, 0};
    int32_t acc = 0;
    do {
        acc += e[walk.y];
    } while (advance(&walk, p->axes + p->distinct, p->repeated));
    return acc;
}

/* What nothing reads stays zero, so errors may come in any order: all are halved together. */
int32_t et_move_input_error(const et_move *p, const int8_t *e, const int8_t *x, et_clip clip,
                            int8_t *e_in)
{
    et_walk walk = {{0}, 0, 0};
    uint32_t shift = 0;
    memset(e_in, 0, p->in);
    do {
        uint32_t at = p->begin + (uint32_t)walk.x;
        const int8_t *error = e + walk.y;
        for (uint32_t i = 0; i < p->run.count; i++) {
            int32_t acc = p->repeated ? sum_readers(p, error) : *error;
            if (x[at] > clip.low && x[at] < clip.high) {
                uint32_t magnitude = et_magnitude(acc);
                if ((magnitude >> shift) > 127) {
                    shift = et_error_grow(e_in, e_in + p->in, shift, magnitude);
                }
                e_in[at] = et_with_sign(magnitude >> shift, acc);
            }
            at += (uint32_t)p->run.x_step;
            error += p->run.y_step;
        }
    } while (advance(&walk, p->axes, p->distinct));
    return (int32_t)shift;
}
