#include "centre.h"

#include "dsp.h"
#include "operators.h"
#include "vectors.h"

#ifdef ET_MVE_LOOPS

/* Of count values, each over -128. */
static uint32_t sum_of_values(const int8_t *x, uint32_t count)
{
    return (uint32_t)et_sum_bytes(x, (int32_t)count) + 128 * count;
}

static void take(int32_t worth, int32_t *gradient, uint32_t count)
{
    __asm__ volatile("dlstp.32 lr, %[count]\n"
                     "1:\n\t"
                     "vldrw.32 q0, [%[gradient]]\n\t"
                     "vsub.i32 q0, q0, %[worth]\n\t"
                     "vstrw.32 q0, [%[gradient]], #16\n\t"
                     "letp lr, 1b"
                     : [gradient] "+r"(gradient)
                     : [count] "r"(count), [worth] "r"(worth)
                     : "q0", "lr", "memory");
}

#else

static uint32_t sum_of_values(const int8_t *x, uint32_t count)
{
    return et_sum_distances(x, count, 0);
}

static void take(int32_t worth, int32_t *gradient, uint32_t count)
{
#if defined(__thumb2__) && !defined(__clang__)
    int32_t *eights = gradient + count / 8 * 8;
    if (gradient != eights) {
        __asm__ volatile("1:\n\t"
                         "ldmia %[gradient], {r4-r11}\n\t"
                         "subs r4, r4, %[worth]\n\tsubs r5, r5, %[worth]\n\t"
                         "subs r6, r6, %[worth]\n\tsubs r7, r7, %[worth]\n\t"
                         "sub r8, r8, %[worth]\n\tsub r9, r9, %[worth]\n\t"
                         "sub r10, r10, %[worth]\n\tsub r11, r11, %[worth]\n\t"
                         "stmia %[gradient]!, {r4-r11}\n\t"
                         "cmp %[gradient], %[eights]\n\t"
                         "bne 1b"
                         : [gradient] "+r"(gradient)
                         : [worth] "l"(worth), [eights] "r"(eights)
                         : "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "cc", "memory");
    }
    count %= 8;
#endif
    for (; count; count--) {
        *gradient++ -= worth;
    }
}

#endif

int32_t et_centre(const et_trained *layer, const int8_t *x)
{
    uint32_t count = layer->rule->inputs;
    if (!count) {
        return 0;
    }
    uint32_t mean = (2 * sum_of_values(x, count) + count) / (2 * count);
    return (int32_t)mean - 128 - layer->rule->input_zero_point;
}

void et_centre_row(const et_trained *layer, int32_t centre, int32_t *gradient)
{
    int32_t worth = centre * (gradient[layer->row_size] / ET_BIAS_INPUT);
    if (worth) {
        take(worth, gradient, layer->row_size);
    }
}
