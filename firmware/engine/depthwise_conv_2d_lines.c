/* DEPTHWISE_CONV_2D line by line, by MVE's vectors and on cores without the DSP extension: one
 * channel at a time as a plane of cells, in lines along the outputs' longer side, with the padding
 * written out.
 *
 *     line 0    | t0 t1 t2 t3 t4 ...      outputs 0 to 3 are four lanes:
 *     line 1    | t0 t1 t2 t3 t4 ...      of each tap one load of four bytes, at any place,
 *     line 2    | t0 t1 t2 t3 t4 ...      and one VMLA by the tap's weight
 *
 * Cells are bytes to vectors, else words (ET_WIDE_CELLS, as the build defines it): one LDM takes
 * what a line has for two outputs.
 */
#include "depthwise_conv_2d_lines.h"

#include <string.h>

#include "armv6m.h"
#include "error_words.h"
#include "planes_dsp.h"
#include "requantize.h"
#include "vectors.h"
#include "window.h"

#define TAPS 9

#ifdef ET_WIDE_CELLS

typedef int32_t cell;

#define APART __attribute__((noinline)) /* a loop that needs all registers */

static void fill_with(cell *cells, int32_t value, int32_t count)
{
    for (cell *end = cells + count; cells != end;) {
        *cells++ = value;
    }
}

/* count bytes, step apart. */
static void pick(const int8_t *from, int32_t step, int32_t count, cell *to)
{
    for (cell *end = to + et_max(count, 0); to != end; from += step) {
        *to++ = *from;
    }
}

#else

typedef int8_t cell;

#define APART
#define fill_with et_fill_bytes
#define pick et_pick_bytes

#endif

/* planes: where windows lie; pitch: cells of a line. */
typedef struct {
    et_planes planes;
    int32_t pitch;
    int32_t *sums; /* of a line */
    cell *cells;
} plane;

static plane plane_of(const int8_t *data, et_shape in, et_shape out, int32_t pad_h, int32_t pad_w,
                      void *scratch)
{
    plane f = {.planes = et_planes_of(data, in, out, pad_h, pad_w, 0, 0), .sums = scratch};
    f.pitch = f.planes.outputs + 2;
    f.cells = (cell *)(f.sums + (f.planes.outputs + 3) / 4 * 4);
    return f;
}

/* All cells get the value outside, which those in the padding keep. */
static void clear_cells(const plane *f, int32_t outside)
{
    fill_with(f->cells, outside, (f->planes.output_lines + 2) * f->pitch);
}

/* What a channel's windows read inside. */
static void fill_cells(const plane *f, int32_t channel)
{
    const et_planes *p = &f->planes;
    int32_t inside = et_min(p->length, f->pitch - p->before);
    et_range lines = et_taps_inside(-p->before_lines, p->output_lines + 2, p->lines);
    cell *to = f->cells + lines.from * f->pitch + p->before;
    const int8_t *from = p->data + (lines.from - p->before_lines) * p->data_line + channel;
    for (int32_t i = lines.to - lines.from; i; i--, from += p->data_line, to += f->pitch) {
        pick(from, p->data_step, inside, to);
    }
}

/* A channel's kernel as the plane's lines take it; returns its sum.  weights: of the channel, from
 * tap to tap channels apart; flipped: from the last tap to the first. */
static int32_t take_kernel(const plane *f, const int8_t *weights, int32_t channels,
                           int32_t flipped, int32_t *kernel)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < TAPS; i++) {
        int32_t tap = i / 3 * f->planes.tap_line + i % 3 * f->planes.tap_step;
        kernel[i] = weights[(flipped ? TAPS - 1 - tap : tap) * channels];
        sum += kernel[i];
    }
    return sum;
}

/* Sums of a line's outputs, begun at start; they are written in fours.  The kernel stays in r3 to
 * r11, so that only four registers are left for places. */
#ifdef ET_MVE_LOOPS

#define TAP(line, step, weight)                                                                   \
    "vldrb.s32 q1, [%[" line "]], #" step "\n\tvmla.s32 q0, q1, " weight "\n\t"
#define LINE(line, w0, w1, w2) TAP(line, "1", w0) TAP(line, "1", w1) TAP(line, "2", w2)

static void sum_line(const plane *f, int32_t line, const int32_t *kernel, int32_t start)
{
    const int8_t *x0 = f->cells + line * f->pitch, *x1 = x0 + f->pitch, *x2 = x1 + f->pitch;
    int32_t *sums = f->sums, turns = (f->planes.outputs + 3) / 4;
    __asm__ volatile("ldr lr, %[start]\n\t"
                     "vdup.32 q2, lr\n\t"
                     "ldr lr, %[kernel]\n\t"
                     "ldm lr, {r3-r11}\n\t"
                     "ldr lr, %[turns]\n\t"
                     "dls lr, lr\n"
                     "1:\n\t"
                     "vmov q0, q2\n\t" LINE("x0", "r3", "r4", "r5") LINE("x1", "r6", "r7", "r8")
                         LINE("x2", "r9", "r10", "r11") "vstrw.32 q0, [%[sums]], #16\n\t"
                                                        "le lr, 1b"
                     : [x0] "+&l"(x0), [x1] "+&l"(x1), [x2] "+&l"(x2), [sums] "+&r"(sums)
                     : [start] "m"(start), [kernel] "m"(kernel), [turns] "m"(turns)
                     : "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "lr", "q0", "q1",
                       "q2", "memory");
}

#elif defined(ET_ARMV6M_LOOPS)

/* Two outputs, in r6 and r7, meet a line of four cells
 *
 *     c0 to c3     LDM
 *     r6 += c0 w0 + c1 w1 + c2 w2, r7 += c1 w0 + c2 w1 + c3 w2
 *
 * MULS writes over a factor: of each weight's copy and a cell the one that is not needed any more.
 * 18 products in 60 instructions. */
#define TAP(weight, x, next, rest)                                                                \
    weight "muls " x ", r5\n\tadds r6, " x "\n\tmuls " rest "\n\tadds r7, " next "\n\t"
#define LINE(w0, w1, w2)                                                                          \
    "ldmia r0!, {r1-r4}\n\t" TAP(w0, "r1", "r5", "r5, r2") TAP(w1, "r2", "r5", "r5, r3")          \
        TAP(w2, "r3", "r4", "r4, r5")
#define KEPT(register) "mov r5, " register "\n\t"
#define SPILLED(at) "ldr r5, [sp, " at "]\n\t"

/* Sums of two outputs at a time up to end; pitch: bytes of a line.  On the stack four weights,
 * start, sums, and from behind the last line's cells to the next ones. */
ET_ARMV6M_FUNCTION static void sum_line_pairs(const cell *cells, const int32_t *kernel,
                                              int32_t start, int32_t *sums, int32_t pitch,
                                              const int32_t *end)
{
    (void)cells, (void)kernel, (void)start, (void)sums, (void)pitch, (void)end;
    __asm__(
        ET_ARMV6M_ENTER
        "sub sp, #28\n\t"
        "str r2, [sp, #16]\n\t"
        "str r3, [sp, #20]\n\t"
        "ldmia r1!, {r2-r6}\n\t"
        "mov r8, r2\n\tmov r9, r3\n\tmov r10, r4\n\tmov r11, r5\n\tmov r12, r6\n\t"
        "ldmia r1!, {r2-r5}\n\t"
        "mov r6, sp\n\t"
        "stmia r6!, {r2-r5}\n\t"
        "ldr r2, [sp, #64]\n\t"
        "movs r3, r2\n\t"
        "subs r3, #16\n\t"
        "mov lr, r3\n\t"
        "lsls r2, r2, #1\n\t"
        "adds r2, #8\n\t"
        "rsbs r2, r2, #0\n\t"
        "str r2, [sp, #24]\n"
        "1:\n\t"
        "ldr r6, [sp, #16]\n\t"
        "movs r7, r6\n\t" LINE(KEPT("r8"), KEPT("r9"), KEPT("r10")) "add r0, lr\n\t" LINE(
            KEPT("r11"), KEPT("r12"),
            SPILLED("#0")) "add r0, lr\n\t" LINE(SPILLED("#4"), SPILLED("#8"),
                                                 SPILLED(
                                                     "#12")) "ldr r5, [sp, #24]\n\t"
                                                             "adds r0, r0, r5\n\t"
                                                             "ldr r5, [sp, #20]\n\t"
                                                             "stmia r5!, {r6, r7}\n\t"
                                                             "str r5, [sp, #20]\n\t"
                                                             "ldr r4, [sp, #68]\n\t"
                                                             "cmp r5, r4\n\t"
                                                             "bne 1b\n\t"
                                                             "add sp, #28\n\t" ET_ARMV6M_LEAVE);
}

static void sum_line(const plane *f, int32_t line, const int32_t *kernel, int32_t start)
{
    sum_line_pairs(f->cells + line * f->pitch, kernel, start, f->sums,
                   f->pitch * (int32_t)sizeof(cell), f->sums + ((f->planes.outputs + 1) & ~1));
}

#else

static void sum_line(const plane *f, int32_t line, const int32_t *kernel, int32_t start)
{
    const cell *x0 = f->cells + line * f->pitch, *x1 = x0 + f->pitch, *x2 = x1 + f->pitch;
    for (int32_t *sum = f->sums, *end = sum + f->planes.outputs; sum != end; x0++, x1++, x2++) {
        *sum++ = start + x0[0] * kernel[0] + x0[1] * kernel[1] + x0[2] * kernel[2] +
                 x1[0] * kernel[3] + x1[1] * kernel[4] + x1[2] * kernel[5] + x2[0] * kernel[6] +
                 x2[1] * kernel[7] + x2[2] * kernel[8];
    }
}

#endif

/* -- forward ------------------------------------------------------------------------------ */

/* A line's sums of channel c become outputs from y on. */
static APART void put_line(const plane *f, const et_quantization *q, int32_t c, int8_t *y)
{
    const int32_t *sums = f->sums;
    int32_t count = f->planes.outputs, step = f->planes.output_step;
#ifdef ET_MVE_LOOPS
    int32_t shift = q->shift[c];
    int32x4_t left = vdupq_n_s32(et_max(shift, 0)), right = vdupq_n_s32(et_min(shift, 0));
    int32x4_t least = vdupq_n_s32(q->activation_min), most = vdupq_n_s32(q->activation_max);
    uint32x4_t places = vmulq_n_u32(vidupq_n_u32(0, 1), (uint32_t)step);
    __asm__ volatile(
        "dlstp.32 lr, %[count]\n"
        "1:\n\t"
        "vldrw.32 q0, [%[sums]], #16\n\t"
        "vshl.s32 q0, q0, %q[left]\n\t"
        "vqrdmulh.s32 q0, q0, %[multiplier]\n\t"
        "vand q1, q0, %q[right]\n\t"
        "vshr.s32 q1, q1, #31\n\t"
        "vadd.i32 q0, q0, q1\n\t"
        "vrshl.s32 q0, q0, %q[right]\n\t"
        "vadd.i32 q0, q0, %[zero_point]\n\t"
        "vmax.s32 q0, q0, %q[least]\n\t"
        "vmin.s32 q0, q0, %q[most]\n\t"
        "vstrb.32 q0, [%[y], %q[places]]\n\t"
        "add %[y], %[step]\n\t"
        "letp lr, 1b"
        : [sums] "+&r"(sums), [y] "+&r"(y)
        : [count] "r"(count), [step] "r"(4 * step), [left] "w"(left), [right] "w"(right),
          [least] "w"(least), [most] "w"(most), [places] "w"(places),
          [multiplier] "r"(q->multiplier[c]), [zero_point] "r"((int32_t)q->output_zero_point)
        : "q0", "q1", "lr", "memory");
#else
    int32_t multiplier = q->multiplier[c], shift = q->shift[c], zero_point = q->output_zero_point;
    int32_t low = q->activation_min, high = q->activation_max;
    for (const int32_t *end = sums + count; sums != end; y += step) {
        int32_t value = et_multiply(*sums++, multiplier, shift) + zero_point;
        value = value < low ? low : value;
        *y = (int8_t)(value > high ? high : value);
    }
#endif
}

void et_depthwise_conv_2d_lines_forward(const et_depthwise_conv_2d *p, const int8_t *weights,
                                        const int32_t *bias, const int8_t *x, int8_t *y,
                                        void *scratch)
{
    const et_quantization *q = &p->quantization;
    plane f = plane_of(x, p->in, p->out, p->window.pad_h, p->window.pad_w, scratch);
    int32_t channels = p->out.channels, kernel[TAPS];
    clear_cells(&f, q->input_zero_point);
    for (int32_t c = 0; c < channels; c++) {
        uint32_t sum = (uint32_t)take_kernel(&f, weights + c, channels, 0, kernel);
        uint32_t start = (uint32_t)bias[c] - (uint32_t)(int32_t)q->input_zero_point * sum;
        fill_cells(&f, c);
        for (int32_t line = 0; line < f.planes.output_lines; line++) {
            sum_line(&f, line, kernel, (int32_t)start);
            put_line(&f, q, c, y + line * f.planes.output_line + c);
        }
    }
}

/* -- input error: the errors' windows under the kernel from its last tap to its first --------- */

/* The shift that count sums of a line need, four at a time; x: of the first one's cell. */
static void grow(et_error_words *block, const int32_t *sums, int32_t count, const int8_t *x,
                 int32_t step)
{
    for (; count > 0; count -= 4, sums += 4) {
        int8_t values[4] = {0};
        int32_t some = et_min(4, count);
        for (int32_t k = 0; k < some; k++, x += step) {
            values[k] = *x;
        }
        et_error_words_grow(block, sums, values, (uint32_t)some);
    }
}

/* The largest magnitude of count sums, or more but of no more bits. */
static uint32_t largest(const int32_t *sums, int32_t count)
{
    uint32_t most = 0;
#ifdef ET_MVE_LOOPS
    __asm__ volatile("dlstp.32 lr, %[count]\n"
                     "1:\n\t"
                     "vldrw.32 q0, [%[sums]], #16\n\t"
                     "vmaxav.s32 %[most], q0\n\t"
                     "letp lr, 1b"
                     : [sums] "+&r"(sums), [most] "+&r"(most)
                     : [count] "r"(count)
                     : "q0", "lr", "memory");
#else
    for (; count > 0; count--) {
        most |= et_absolute(*sums++);
    }
#endif
    return most;
}

/* A line's sums, which the shift is enough for, become errors of the cells from at on. */
static void put_errors(const plane *f, const et_error_words *block, const int8_t *x, int8_t *e_in)
{
    const int32_t *sums = f->sums;
    int32_t count = f->planes.outputs, step = f->planes.output_step;
#ifdef ET_MVE_LOOPS
    int32x4_t round = vdupq_n_s32(block->round), none = vdupq_n_s32(0);
    uint32x4_t places = vmulq_n_u32(vidupq_n_u32(0, 1), (uint32_t)step);
    __asm__ volatile("dlstp.32 lr, %[count]\n"
                     "1:\n\t"
                     "vldrw.32 q0, [%[sums]], #16\n\t"
                     "vshr.s32 q1, q0, #31\n\t"
                     "vand q1, q1, %q[round]\n\t"
                     "vadd.i32 q0, q0, q1\n\t"
                     "vshl.s32 q0, %[shift]\n\t"
                     "vldrb.s32 q1, [%[x], %q[places]]\n\t"
                     "vcmp.s32 gt, q1, %[low]\n\t"
                     "vpst\n\t"
                     "vcmpt.s32 lt, q1, %[high]\n\t"
                     "vpsel q0, q0, %q[none]\n\t"
                     "vstrb.32 q0, [%[e_in], %q[places]]\n\t"
                     "add %[x], %[step]\n\t"
                     "add %[e_in], %[step]\n\t"
                     "letp lr, 1b"
                     : [sums] "+&r"(sums), [x] "+&r"(x), [e_in] "+&r"(e_in)
                     : [count] "r"(count), [step] "r"(4 * step), [round] "w"(round),
                       [none] "w"(none), [places] "w"(places), [shift] "r"(-(int32_t)block->shift),
                       [low] "r"((int32_t)block->clip.low), [high] "r"((int32_t)block->clip.high)
                     : "q0", "q1", "lr", "cc", "memory");
#else
    int32_t low = block->clip.low, high = block->clip.high, round = block->round;
    uint32_t shift = block->shift;
    for (; count > 0; count--, sums++, x += step, e_in += step) {
        int32_t mantissa = et_error_mantissa(*sums, round, shift);
        *e_in = (int8_t)(*x > low && *x < high ? mantissa : 0);
    }
#endif
}

/* Sets out with the shift that the first channel's middle line needs, before any is written: the
 * fewer bytes are halved later. */
static void foretell_shift(const plane *f, et_error_words *block, const int32_t *kernel,
                           const int8_t *x)
{
    const et_planes *p = &f->planes;
    int32_t line = p->output_lines / 2;
    int8_t *end = block->end;
    block->end = block->start;
    sum_line(f, line, kernel, 0);
    grow(block, f->sums, p->outputs, x + line * p->output_line, p->output_step);
    block->end = end;
}

int32_t et_depthwise_conv_2d_lines_input_error(const et_depthwise_conv_2d *p,
                                               const int8_t *weights, const int8_t *e,
                                               const int8_t *x, et_clip clip, int8_t *e_in,
                                               void *scratch)
{
    int32_t channels = p->in.channels, kernel[TAPS];
    uint32_t size = (uint32_t)p->in.height * p->in.width * p->in.channels;
    if (!et_error_passes(clip)) {
        memset(e_in, 0, size);
        return 0;
    }
    et_error_words block = et_error_words_open(e_in, size, clip);
    plane f = plane_of(e, p->out, p->in, 2 - p->window.pad_h, 2 - p->window.pad_w, scratch);
    clear_cells(&f, 0);
    for (int32_t c = 0; c < channels; c++) {
        take_kernel(&f, weights + c, channels, 1, kernel);
        fill_cells(&f, c);
        if (!c) {
            foretell_shift(&f, &block, kernel, x);
        }
        for (int32_t line = 0; line < f.planes.output_lines; line++) {
            int32_t at = line * f.planes.output_line + c;
            sum_line(&f, line, kernel, 0);
            if ((largest(f.sums, f.planes.outputs) >> block.shift) > 127) {
                grow(&block, f.sums, f.planes.outputs, x + at, f.planes.output_step);
            }
            put_errors(&f, &block, x + at, e_in + at);
        }
    }
    return (int32_t)block.shift;
}

/* -- gradient: errors lie on lines of the inputs' pitch, so that all positions are one line ---- */

/* Adds the sums of count errors times the cells from x, x + 1 and x + 2 on: of 16 at a time one
 * load of the errors, then one a tap and a VMLADAVA. */
static void sum_taps(const cell *x, const int8_t *e, int32_t count, int32_t *sums)
{
#ifdef ET_MVE_LOOPS
    const int8_t *x1 = x + 1, *x2 = x + 2;
    register int32_t s0 __asm__("r0") = 0, s1 __asm__("r2") = 0, s2 __asm__("r4") = 0;
    __asm__ volatile("dlstp.8 lr, %[count]\n"
                     "1:\n\t"
                     "vldrb.8 q0, [%[e]], #16\n\t"
                     "vldrb.8 q1, [%[x]], #16\n\tvmladava.s8 %[s0], q0, q1\n\t"
                     "vldrb.8 q1, [%[x1]], #16\n\tvmladava.s8 %[s1], q0, q1\n\t"
                     "vldrb.8 q1, [%[x2]], #16\n\tvmladava.s8 %[s2], q0, q1\n\t"
                     "letp lr, 1b"
                     : [e] "+&r"(e), [x] "+&r"(x), [x1] "+&r"(x1), [x2] "+&r"(x2), [s0] "+&r"(s0),
                       [s1] "+&r"(s1), [s2] "+&r"(s2)
                     : [count] "r"(count)
                     : "q0", "q1", "lr", "memory");
    sums[0] = s0, sums[1] = s1, sums[2] = s2;
#else
    int32_t sum0 = 0, sum1 = 0, sum2 = 0;
    for (const int8_t *end = e + count; e != end; x++) {
        int32_t error = *e++;
        sum0 += x[0] * error;
        sum1 += x[1] * error;
        sum2 += x[2] * error;
    }
    sums[0] = sum0, sums[1] = sum1, sums[2] = sum2;
#endif
}

/* A channel's errors on lines of the pitch, zeros between them; returns how many bytes. */
static int32_t fill_errors(const plane *f, const int8_t *e, int8_t *to)
{
    const et_planes *p = &f->planes;
    for (int32_t line = 0; line < p->output_lines; line++, to += f->pitch) {
        et_pick_bytes(e + line * p->output_line, p->output_step, p->outputs, to);
    }
    return p->output_lines * f->pitch - 2;
}

static void put_row(const plane *f, const int8_t *errors, int32_t count, int32_t origin,
                    int32_t *gradient)
{
    const et_planes *p = &f->planes;
    int32_t sum = et_sum_bytes(errors, count), worth = origin * sum, taps[3];
    for (int32_t i = 0; i < 3; i++) {
        int32_t *line = gradient + i * p->tap_line;
        sum_taps(f->cells + i * f->pitch, errors, count, taps);
        line[0] = taps[0] - worth;
        line[p->tap_step] = taps[1] - worth;
        line[2 * p->tap_step] = taps[2] - worth;
    }
    gradient[TAPS] = ET_BIAS_INPUT * sum;
}

void et_depthwise_conv_2d_lines_gradient(const void *layer, uint32_t first, uint32_t count,
                                         const int8_t *e, const int8_t *x, int32_t centre,
                                         int32_t *gradient, void *scratch)
{
    const et_depthwise_conv_2d *p = layer;
    int32_t zero_point = p->quantization.input_zero_point;
    plane f = plane_of(x, p->in, p->out, p->window.pad_h, p->window.pad_w, scratch);
    int8_t *errors = (int8_t *)(f.cells + (f.planes.output_lines + 2) * f.pitch);
    clear_cells(&f, zero_point);
    et_fill_bytes(errors, 0, f.planes.output_lines * f.pitch);
    for (uint32_t c = first; c < first + count; c++, gradient += TAPS + 1) {
        fill_cells(&f, (int32_t)c);
        int32_t length = fill_errors(&f, e + c, errors);
        put_row(&f, errors, length, zero_point + centre, gradient);
    }
}
