#include "step.h"

#include "draw.h"

#define BIAS_LIMIT (1 << 30)
#define OVER_LEAST(value) ((uint32_t)(value) + BIAS_LIMIT) /* up to 2 * BIAS_LIMIT in bounds */

/* Out of bounds it keeps its sign: a step is below 2^30. */
static __attribute__((noinline)) int32_t bounded(int32_t value, int32_t step)
{
    uint32_t moved = (uint32_t)value - (uint32_t)step;
    if (!step || OVER_LEAST(moved) <= 2u * BIAS_LIMIT) {
        return (int32_t)moved;
    }
    return value < 0 ? -BIAS_LIMIT : BIAS_LIMIT;
}

uint32_t et_step_bias(const et_trained *layer, uint32_t row, int32_t first, int32_t second)
{
    int32_t value = layer->bias[row];
    uint32_t after = (uint32_t)value - (uint32_t)first;
    int32_t moved = (int32_t)(after - (uint32_t)second);
    if ((OVER_LEAST(after) | OVER_LEAST(moved)) > 2u * BIAS_LIMIT) {
        moved = bounded(bounded(value, first), second);
    }
    layer->bias[row] = moved;
    uint32_t offset = layer->rows * layer->row_size + row;
    return et_digest_term(layer->first_index + offset,
                          (int32_t)((uint32_t)moved - (uint32_t)value));
}

int32_t et_step(const et_trained *layer, uint32_t row, uint32_t column, int32_t sign,
                uint32_t *digest)
{
    if (column == layer->row_size) {
        *digest += et_step_bias(layer, row, sign * ET_BIAS_INPUT, 0);
        return 0;
    }
    uint32_t offset = row * layer->row_stride + column * layer->column_stride;
    int32_t value = layer->weights[offset], moved = et_moved_weight(value, sign);
    layer->weights[offset] = (int8_t)moved;
    *digest += et_digest_term(layer->first_index + offset, moved - value);
    return moved - value;
}

#ifdef ET_NOTED

uint32_t et_step_noted(et_noted_steps *noted, uint32_t count)
{
    const void *const *at = noted->at;
    const int32_t *steps = noted->steps;
    uint32x4_t place_step = vdupq_n_u32(noted->place_step);
    int32x4_t least = vdupq_n_s32(-127), most = vdupq_n_s32(127);
    register uint32_t digest __asm__("r0") = 0;
    register int32_t moved __asm__("r2") = noted->moved;
    __asm__ volatile(
        "dlstp.32 lr, %[count]\n"
        "1:\n\t"
        "vldrw.32 q0, [%[at]], #16\n\t" /* columns */
        "vsub.i32 q0, q0, %[first]\n\t"
        "vshr.u32 q0, q0, #2\n\t"
        "vldrw.32 q1, [%[steps]], #16\n\t"
        "vmul.i32 q1, q1, %[sign]\n\t"
        "vmul.i32 q2, q0, %[step]\n\t" /* weights */
        "vldrb.s32 q3, [%[weights], q2]\n\t"
        "vsub.i32 q1, q3, q1\n\t"
        "vmax.s32 q1, q1, %q[least]\n\t"
        "vmin.s32 q1, q1, %q[most]\n\t"
        "vstrb.32 q1, [%[weights], q2]\n\t"
        "vsub.i32 q1, q1, q3\n\t"
        "vaddva.s32 %[moved], q1\n\t"
        "vmlas.u32 q0, %q[place_step], %[place]\n\t" /* and the digest */
        "vshr.u32 q2, q0, #16\n\t"
        "veor q2, q2, q0\n\t"
        "vmul.i32 q0, q0, q2\n\t"
        "vorr.i32 q0, #1\n\t"
        "vmladava.s32 %[digest], q0, q1\n\t"
        "letp lr, 1b"
        : [at] "+&r"(at), [steps] "+&r"(steps), [digest] "+&r"(digest), [moved] "+&r"(moved)
        : [count] "r"(count), [first] "r"(noted->first), [sign] "r"(noted->sign),
          [weights] "r"(noted->weights), [step] "r"(noted->step), [place] "r"(noted->place),
          [place_step] "w"(place_step), [least] "w"(least), [most] "w"(most)
        : "q0", "q1", "q2", "q3", "lr", "memory");
    noted->moved = moved;
    return digest;
}

#endif
