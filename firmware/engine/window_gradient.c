#include "window_gradient.h"

#include "window.h"

/* Consecutive weights of one kernel row, up to four, share the loads of the errors. */
typedef struct {
    int32_t x;     /* offset of the first weight's input for output (0, 0); may be negative */
    int32_t lane;  /* from one weight's input to the next one's */
    int32_t width; /* weights */
} lanes;

/* From one output to the next along one axis. */
typedef struct {
    int32_t e, x;
} step;

/* acc[k] += sum of e * x[k * lane] over n outputs; returns the sum of e. */
ET_INLINE int32_t sum_lanes(const int8_t *restrict e, const int8_t *restrict x, int32_t n,
                            int32_t e_step, int32_t x_step, int32_t lane, int32_t width,
                            int32_t *acc)
{
    int32_t acc0 = acc[0], acc1 = acc[1], acc2 = acc[2], acc3 = acc[3], total = 0;
    for (; n > 0; n--) {
        int32_t error = *e;
        total += error;
        acc0 += error * x[0];
        acc1 += width > 1 ? error * x[lane] : 0;
        acc2 += width > 2 ? error * x[2 * lane] : 0;
        acc3 += width > 3 ? error * x[3 * lane] : 0;
        e += e_step;
        x += x_step;
    }
    acc[0] = acc0, acc[1] = acc1, acc[2] = acc2, acc[3] = acc3;
    return total;
}

/* One loop for each width, and one for weights that lie side by side in x. */
static int32_t sum_width(const int8_t *e, const int8_t *x, int32_t n, step s, const lanes *l,
                         int32_t *acc)
{
    switch (l->width) {
    case 4:
        return l->lane == 1 ? sum_lanes(e, x, n, s.e, s.x, 1, 4, acc)
                            : sum_lanes(e, x, n, s.e, s.x, l->lane, 4, acc);
    case 3:
        return sum_lanes(e, x, n, s.e, s.x, l->lane, 3, acc);
    case 2:
        return sum_lanes(e, x, n, s.e, s.x, l->lane, 2, acc);
    default:
        return sum_lanes(e, x, n, s.e, s.x, 0, 1, acc);
    }
}

/* Over a rectangle of outputs, all of whose inputs exist, along its longer side. */
static void sum_outputs(const int8_t *e, const int8_t *x, int32_t outer, step outer_step,
                        int32_t inner, step inner_step, const lanes *l, int32_t zero_point,
                        int32_t *gradient)
{
    int32_t acc[4] = {0}, total = 0;
    if (outer > inner) {
        int32_t count = outer;
        step outputs = outer_step;
        outer = inner, outer_step = inner_step;
        inner = count, inner_step = outputs;
    }
    if (inner * inner_step.e == outer_step.e && inner * inner_step.x == outer_step.x) {
        inner *= outer; /* the rows join up */
        outer = 1;
    }
    for (; outer > 0; outer--, e += outer_step.e, x += outer_step.x) {
        total += sum_width(e, x, inner, inner_step, l, acc);
    }
    for (int32_t k = 0; k < l->width; k++) {
        gradient[k] += acc[k] - zero_point * total;
    }
}

typedef struct {
    const et_window_rows *p;
    const int8_t *e, *x;
    et_range rows;    /* outputs whose input row exists */
    int32_t x_row;    /* offset of the kernel row's first input for output (0, 0) */
    step along, down; /* the columns, the rows */
} kernel_row;

static void sum_columns(const kernel_row *r, et_range columns, const lanes *l, int32_t *gradient)
{
    int32_t rows = r->rows.to - r->rows.from;
    const int8_t *e = r->e + (r->rows.from * r->down.e + columns.from * r->along.e);
    const int8_t *x = r->x + (l->x + r->rows.from * r->down.x + columns.from * r->along.x);
    if (rows > 0 && columns.to > columns.from) {
        sum_outputs(e, x, rows, r->down, columns.to - columns.from, r->along, l, r->p->zero_point,
                    gradient);
    }
}

static et_range outputs_of(const et_window_rows *p, int32_t tap)
{
    return et_outputs_inside(tap - p->window.pad_w, p->window.stride_w, p->in.width, p->out.width);
}

/* Weights first .. first + width - 1 of a kernel row.  Those of different taps share only the
 * outputs that all of them reach; each one's rest follows alone. */
static void sum_block(const kernel_row *r, int32_t first, int32_t width, int32_t *gradient)
{
    const et_window_rows *p = r->p;
    int32_t depth = p->depth, lane = depth == 1 ? p->in.channels : 1;
    lanes block = {r->x_row + first * lane, lane, width};
    et_range shared = outputs_of(p, first / depth);
    shared.to = et_max(shared.from, outputs_of(p, (first + width - 1) / depth).to);
    sum_columns(r, shared, &block, gradient);
    if (first / depth == (first + width - 1) / depth) {
        return;
    }
    for (int32_t k = 0; k < width; k++) {
        lanes one = {block.x + k * lane, lane, 1};
        et_range own = outputs_of(p, (first + k) / depth);
        et_range before = {own.from, et_min(shared.from, own.to)};
        et_range after = {et_max(shared.to, own.from), own.to};
        sum_columns(r, before, &one, gradient + k);
        sum_columns(r, after, &one, gradient + k);
    }
}

static int32_t sum_errors(const int8_t *e, int32_t n, int32_t pixel)
{
    int32_t total = 0;
    for (; n > 0; n--, e += pixel) {
        total += *e;
    }
    return total;
}

void et_window_gradient(const et_window_rows *p, const int8_t *e, const int8_t *x,
                        int32_t *gradient)
{
    const et_window *window = &p->window;
    int32_t pixel = p->in.channels, width = p->in.width, out_pixel = p->out.channels;
    int32_t weights = window->kernel_w * p->depth;
    int32_t errors = sum_errors(e, p->out.height * p->out.width, out_pixel);
    kernel_row r = {p,
                    e,
                    x,
                    {0, 0},
                    0,
                    {out_pixel, window->stride_w * pixel},
                    {p->out.width * out_pixel, window->stride_h * width * pixel}};
    for (int32_t ky = 0; ky < window->kernel_h; ky++, gradient += weights) {
        int32_t offset = ky - window->pad_h;
        r.rows = et_outputs_inside(offset, window->stride_h, p->in.height, p->out.height);
        r.x_row = (offset * width - window->pad_w) * pixel;
        for (int32_t first = 0; first < weights; first += 4) {
            int32_t block = et_min(4, weights - first);
            for (int32_t k = 0; k < block; k++) {
                gradient[first + k] = -p->centre * errors;
            }
            sum_block(&r, first, block, gradient + first);
        }
    }
    *gradient = ET_BIAS_INPUT * errors;
}
