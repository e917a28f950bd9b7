/* The gradient of CONV_2D by the DSP extension.  A weight's gradient is a sum over positions, of
 * which two neighbours make a pair of halves: of the errors, and of the inputs less their origin,
 * the zero point plus the centre.  Vectors, and cores without the extension, take bytes, a lane a
 * channel, and sums of errors times the origin are taken off at the end. */
#include "conv_2d_gradient_dsp.h"

#include "operators.h"
#include "operands_dsp.h"
#include "pairs_dsp.h"
#include "vectors.h"
#include "windows_dsp.h"

/* What operands are made of, as in an et_pair_target. */
typedef struct {
    uint32_t offset, outside;
} source;

static const source ERRORS = {0, 0};

/* How positions are walked: lines of length of them along the longer side, in segments of an even
 * number.  at_once segments are prepared together. */
typedef struct {
    const et_conv_2d *p;
    const int8_t *e, *x;
    int32_t length, lines, e_step, e_line;
    int32_t copied; /* windows are copied beside each other first: a step is one of them */
    int32_t segment, per_line, at_once;
    int32_t upright; /* lines go down */
    int32_t row_size;
    source inputs;
    int32_t room; /* operands of a channel that are prepared together */
    operand *x_operands, *e_operands;
    int8_t *columns;
} walk;

/* Positions from .. to - 1 of a line, and the operands that they take. */
typedef struct {
    int32_t line, from, to, operands;
} segment;

static segment segment_at(const walk *w, int32_t index)
{
    segment s = {index / w->per_line, index % w->per_line * w->segment, 0, 0};
    s.to = et_min(s.from + w->segment, w->length);
    s.operands = (s.to - s.from + TOGETHER - 1) / TOGETHER;
    return s;
}

/* Whether any four weights one behind the other are of one tap. */
static int taps_in_fours(const et_conv_2d *p)
{
    return p->in.channels % 4 == 0;
}

/* Whether a convolution whose windows are not copied is pointwise. */
static int is_flat(const et_conv_2d *p)
{
#ifdef ET_FLAT_CONVOLUTIONS
    (void)p;
    return 1;
#else
    const et_window *w = &p->window;
    return w->kernel_h * w->kernel_w * w->stride_h * w->stride_w == 1 && !w->pad_h && !w->pad_w &&
           p->in.height == p->out.height && p->in.width == p->out.width;
#endif
}

/* Lines of all positions, one behind the other. */
static void walk_flat(walk *w, int32_t most)
{
    const et_conv_2d *p = w->p;
    w->length = p->out.height * p->out.width;
    w->lines = 1;
    w->per_line = (w->length + most - 1) / most;
    w->segment = ((w->length + w->per_line - 1) / w->per_line + 1) & ~1;
    w->e_step = p->out.channels;
    w->at_once = 1;
}

static void walk_lines(walk *w)
{
    const et_conv_2d *p = w->p;
    int32_t across = p->out.channels, down = p->out.width * across, pairs;
    w->upright = p->out.height >= p->out.width;
    w->length = w->upright ? p->out.height : p->out.width;
    w->lines = w->upright ? p->out.width : p->out.height;
    w->e_step = w->upright ? down : across;
    w->e_line = w->upright ? across : down;
    w->per_line = (w->length + 2 * ET_DSP_PAIRS - 1) / (2 * ET_DSP_PAIRS);
    w->segment = ((w->length + w->per_line - 1) / w->per_line + 1) & ~1;
    pairs = w->segment / 2;
    w->at_once = w->per_line > 1 ? 1 : et_min(w->lines, ET_DSP_PAIRS / pairs);
}

static walk walk_of(const et_conv_2d *p, const int8_t *e, const int8_t *x, int32_t centre,
                    void *scratch)
{
    int32_t row_size = p->window.kernel_h * p->window.kernel_w * p->in.channels;
    int32_t size = et_padded(row_size), rows = et_min(ET_DSP_TILE, et_padded(p->out.channels));
    walk w = {.p = p, .e = e, .x = x, .row_size = row_size, .copied = !taps_in_fours(p)};
    int32_t fit = et_max(8, ET_DSP_GRADIENT_COPIES / size & ~1);
    if (w.copied || is_flat(p)) {
        walk_flat(&w, w.copied ? et_min(2 * ET_DSP_PAIRS, fit) : 2 * ET_DSP_PAIRS);
    } else {
        walk_lines(&w);
    }
    w.inputs.offset = et_pair_offset(p->quantization.input_zero_point + centre);
    w.inputs.outside = et_four_bytes(p->quantization.input_zero_point);
    w.room = w.at_once * w.segment / TOGETHER;
    w.x_operands = scratch;
    w.e_operands = w.x_operands + 4 * w.room; /* without copies at the end: of fewer rows */
    w.columns = (int8_t *)(w.e_operands + rows * w.room);
    return w;
}

/* -- lines --------------------------------------------------------------------------------- */

#ifdef ET_VECTORS

/* What four channels have at count positions, step apart, of which those inside exist; values is
 * where the first one would lie.  Returns what lies behind. */
static operand *put_line(const walk *w, const int8_t *values, int32_t step, et_range inside,
                         int32_t count, const source *of, operand *to)
{
    int32_t outside = (int32_t)of->outside;
    if (inside.from >= inside.to) {
        inside.from = inside.to = 0;
    }
    for (int32_t k = 0; k < 4; k++) {
        operand *lane = to + k * w->room;
        et_fill_bytes(lane, outside, inside.from);
        et_pick_bytes(values + inside.from * step + k, step, inside.to - inside.from,
                      lane + inside.from);
        et_fill_bytes(lane + inside.to, outside, count - inside.to);
    }
    return to + count;
}

/* The errors of width < 4 rows. */
static operand *put_few_errors(const walk *w, const int8_t *e, int32_t count, int32_t width,
                               operand *to)
{
    for (int32_t k = 0; k < width; k++) {
        et_pick_bytes(e + k, w->e_step, count, to + k * w->room);
    }
    return to + count;
}

/* The errors of four rows at most, summed into their biases' gradients. */
static void sum_biases(const walk *w, const operand *e, int32_t count, int32_t width,
                       int32_t *bias, int32_t stride)
{
    for (int32_t k = 0; k < width; k++) {
        bias[k * stride] += ET_BIAS_INPUT * et_sum_bytes(e + k * w->room, count);
    }
}

#else

static operand *put_line(const walk *w, const int8_t *values, int32_t step, et_range inside,
                         int32_t count, const source *of, operand *to)
{
    int32_t pairs = (count + 1) / 2;
    et_pair_target target = {to, 1, 4, of->offset, of->outside};
    (void)w;
    et_pair_line(values, step, inside, pairs, &target);
    return to + 4 * pairs;
}

/* The errors of width < 4 rows: words that lack the others. */
static operand *put_few_errors(const walk *w, const int8_t *e, int32_t count, int32_t width,
                               operand *to)
{
    et_pair_target target = {to, 1, 4, 0, 0};
    int32_t step = w->e_step;
    for (int32_t j = 0; 2 * j < count; j++, e += 2 * step) {
        uint32_t word[2] = {0};
        for (int32_t i = 0; i < 2 && 2 * j + i < count; i++) {
            for (int32_t k = 0; k < width; k++) {
                word[i] |= (uint32_t)(uint8_t)e[i * step + k] << 8 * k;
            }
        }
        et_put_pairs(&target, j, word[0], word[1]);
    }
    return to + 4 * ((count + 1) / 2);
}

/* The errors of four rows at most, summed into their biases' gradients. */
static void sum_biases(const walk *w, const operand *e, int32_t pairs, int32_t width,
                       int32_t *bias, int32_t stride)
{
    int32_t sums[4] = {0};
    (void)w;
    for (const operand *end = e + 4 * pairs; e != end; e += 4) {
        for (int32_t k = 0; k < 4; k++) {
            sums[k] = et_mac_halves(e[k], 0x10001, sums[k]);
        }
    }
    for (int32_t k = 0; k < width; k++) {
        bias[k * stride] += ET_BIAS_INPUT * sums[k];
    }
}

#endif

/* Rows row .. row + width - 1 over segments from .. to - 1; returns how many operands of each. */
static int32_t put_errors(const walk *w, int32_t row, int32_t width, int32_t from, int32_t to,
                          operand *out)
{
    int32_t operands = 0;
    for (int32_t i = from; i < to; i++) {
        segment s = segment_at(w, i);
        const int8_t *e = w->e + s.line * w->e_line + s.from * w->e_step + row;
        et_range all = {0, s.to - s.from};
        if (width == 4) {
            out = put_line(w, e, w->e_step, all, all.to, &ERRORS, out);
        } else {
            out = put_few_errors(w, e, all.to, width, out);
        }
        operands += s.operands;
    }
    return operands;
}

/* -- inputs ------------------------------------------------------------------------------- */

/* The outputs along one axis whose tap lies inside. */
static et_range outputs_of(int32_t tap, int32_t pad, int32_t stride, int32_t in, int32_t out)
{
    return et_outputs_inside(tap - pad, stride, in, out);
}

/* What the tap (ky, kx) and channels c to c + 3 read over segments from .. to - 1. */
static void put_tap(const walk *w, int32_t ky, int32_t kx, int32_t c, int32_t from, int32_t to)
{
    const et_conv_2d *p = w->p;
    const et_window *window = &p->window;
    int32_t depth = p->in.channels, line = p->in.width * depth;
    et_range rows = outputs_of(ky, window->pad_h, window->stride_h, p->in.height, p->out.height);
    et_range columns = outputs_of(kx, window->pad_w, window->stride_w, p->in.width, p->out.width);
    et_range along = w->upright ? rows : columns, lines = w->upright ? columns : rows;
    int32_t down = window->stride_h * line, across = window->stride_w * depth;
    int32_t step = w->upright ? down : across, next = w->upright ? across : down;
    const int8_t *x = w->x + ((ky - window->pad_h) * line + (kx - window->pad_w) * depth + c);
    operand *out = w->x_operands;
    for (int32_t i = from; i < to; i++) {
        segment s = segment_at(w, i);
        et_range inside = {et_max(along.from, s.from) - s.from, et_min(along.to, s.to) - s.from};
        if (s.line < lines.from || s.line >= lines.to) {
            inside.from = inside.to = 0;
        }
        out = put_line(w, x + s.line * next + s.from * step, step, inside, s.to - s.from,
                       &w->inputs, out);
    }
}

/* The same of four weights from k on where all positions are one line: in x itself or in copies
 * of the windows. */
static void put_flat(const walk *w, int32_t k, int32_t index)
{
    segment s = segment_at(w, index);
    int32_t step = w->copied ? et_padded(w->row_size) : w->p->in.channels;
    const int8_t *values = w->copied ? w->columns : w->x + s.from * step;
    et_range all = {0, s.to - s.from};
    put_line(w, values + k, step, all, all.to, &w->inputs, w->x_operands);
}

static void copy_windows(const walk *w, int32_t index)
{
    const et_conv_2d *p = w->p;
    segment s = segment_at(w, index);
    et_windows windows = et_windows_of(p, w->x);
    int8_t *to = w->columns;
    for (int32_t i = s.from; i < s.to; i++, to += et_padded(w->row_size)) {
        et_copy_window(&windows, i / p->out.width, i % p->out.width, to);
    }
}

/* -- sums --------------------------------------------------------------------------------- */

#ifdef ET_VECTORS

/* The rows of a tile. */
typedef struct {
    int32_t *gradient;
    int32_t count;
} tile_rows;

static void list_rows(const walk *w, int32_t count, int32_t operands, int32_t *gradient,
                      tile_rows *rows)
{
    (void)w, (void)operands;
    rows->gradient = gradient;
    rows->count = count;
}

/* A tile of count rows, whose errors are ready: weights k to k + 3 of each, whose inputs are.  Not
 * inline, and of no more arguments: the lanes take all registers. */
static __attribute__((noinline)) void sum_rows(const walk *w, int32_t count, int32_t k,
                                               int32_t operands, int32_t *gradient)
{
    int32_t stride = w->row_size + 1, width = w->row_size - k;
    const operand *e = w->e_operands;
    gradient += k;
    for (; count; count--, gradient += stride, e += w->room) {
        if (width >= 4) {
            et_sum_lanes(e, w->x_operands, w->room, operands, gradient, gradient);
            continue;
        }
        int32_t sums[4] = {0};
        et_sum_lanes(e, w->x_operands, w->room, operands, sums, sums);
        for (int32_t i = 0; i < width; i++) {
            gradient[i] += sums[i];
        }
    }
}

static void sum_weights(const walk *w, const tile_rows *rows, int32_t k, int32_t operands)
{
    sum_rows(w, rows->count, k, operands, rows->gradient);
}

/* What the inputs' origin is worth in count rows: so much times the sum of the errors. */
static void take_origin(const walk *w, int32_t count, int32_t centre, int32_t *gradient)
{
    int32_t origin = w->p->quantization.input_zero_point + centre;
    for (; count; count--) {
        int32_t worth = origin * (gradient[w->row_size] / ET_BIAS_INPUT);
        for (int32_t *end = gradient + w->row_size; gradient != end; gradient++) {
            *gradient -= worth;
        }
        gradient++;
    }
}

#else

/* Two rows, whose errors lie side by side; next is none where a tile ends with an odd one. */
typedef struct {
    operand *e;
    int32_t *row[2];
} row_pair;

/* The rows of a tile that have errors. */
typedef struct {
    row_pair pairs[ET_DSP_TILE / 2], *end;
} tile_rows;

/* Of two pairs with one such row each the second one's takes the vacant place in the first. */
static void list_rows(const walk *w, int32_t count, int32_t operands, int32_t *gradient,
                      tile_rows *rows)
{
    int32_t stride = w->row_size + 1, **vacant = 0;
    operand *place = 0;
    row_pair *to = rows->pairs;
    for (int32_t row = 0; row < count; row += 2, gradient += 2 * stride) {
        operand *e = w->e_operands + (row & ~3) * w->room + (row & 2), *end = e + 4 * operands;
        uint32_t first = 0, second = 0;
        for (const operand *next = e; next != end && !(first && second); next += 4) {
            first |= next[0];
            second |= next[1];
        }
        to->e = e;
        to->row[0] = gradient;
        to->row[1] = et_left_over((uint32_t)count) && row + 1 == count ? 0 : gradient + stride;
        if (first && second) {
            to++;
        } else if (first | second) {
            if (vacant) {
                *vacant = to->row[!first];
                vacant = 0;
                for (e += !first; e < end; e += 4, place += 4) {
                    *place = *e;
                }
            } else {
                vacant = to->row + !second;
                place = e + !second;
                to++;
            }
        }
    }
    rows->end = to;
}

/* A tile of rows, whose errors are ready: weights k to k + 3 of each, whose inputs are. */
static void sum_weights(const walk *w, const tile_rows *rows, int32_t k, int32_t pairs)
{
    int32_t width = et_four_of(w->row_size - k);
    for (const row_pair *two = rows->pairs; two != rows->end; two++) {
        int32_t *row = two->row[0] + k;
        if (width == 4 && (!et_left_over(1) || two->row[1])) {
            sum_pairs(row, two->row[1] + k, w->x_operands, two->e, pairs);
            continue;
        }
        int32_t sums[2][4] = {0};
        sum_pairs(sums[0], sums[1], w->x_operands, two->e, pairs);
        for (int32_t i = 0; i < width; i++) {
            row[i] += sums[0][i];
            if (two->row[1]) {
                two->row[1][k + i] += sums[1][i];
            }
        }
    }
}

static void take_origin(const walk *w, int32_t count, int32_t centre, int32_t *gradient)
{
    (void)w, (void)count, (void)centre, (void)gradient;
}

#endif

static void sum_tile(const walk *w, int32_t row, int32_t count, int32_t from, int32_t to,
                     int32_t *gradient)
{
    const et_conv_2d *p = w->p;
    int32_t stride = w->row_size + 1, operands = 0;
    tile_rows rows;
    for (int32_t r = 0; r < count; r += 4) {
        operand *e = w->e_operands + r * w->room;
        int32_t width = et_four_of(count - r);
        operands = put_errors(w, row + r, width, from, to, e);
        sum_biases(w, e, operands, width, gradient + r * stride + w->row_size, stride);
    }
    list_rows(w, count, operands, gradient, &rows);
    if (w->copied || is_flat(p)) {
        for (int32_t k = 0; k < w->row_size; k += 4) {
            put_flat(w, k, from);
            sum_weights(w, &rows, k, operands);
        }
        return;
    }
    int32_t k = 0;
    for (int32_t ky = 0; ky < p->window.kernel_h; ky++) {
        for (int32_t kx = 0; kx < p->window.kernel_w; kx++) {
            for (int32_t c = 0; c < p->in.channels; c += 4, k += 4) {
                put_tap(w, ky, kx, c, from, to);
                sum_weights(w, &rows, k, operands);
            }
        }
    }
}

/* Word by word: a call of memset would go byte by byte. */
static void clear(int32_t *values, int32_t count)
{
    for (const int32_t *end = values + count; values != end; values++) {
        *values = 0;
        __asm__("" : : : "memory");
    }
}

void et_conv_2d_dsp_gradient(const void *layer, uint32_t first, uint32_t count, const int8_t *e,
                             const int8_t *x, int32_t centre, int32_t *gradient, void *scratch)
{
    walk w = walk_of(layer, e, x, centre, scratch);
    int32_t stride = w.row_size + 1, rows = (int32_t)count, segments = w.lines * w.per_line;
    clear(gradient, rows * stride);
    for (int32_t from = 0; from < segments; from += w.at_once) {
        int32_t to = et_min(segments, from + w.at_once);
        if (w.copied) {
            copy_windows(&w, from);
        }
        for (int32_t row = 0; row < rows; row += ET_DSP_TILE) {
            int32_t tile = et_min(ET_DSP_TILE, rows - row);
            sum_tile(&w, (int32_t)first + row, tile, from, to, gradient + row * stride);
        }
    }
    take_origin(&w, rows, centre, gradient);
}
