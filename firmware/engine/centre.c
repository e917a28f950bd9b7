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

#else

static uint32_t sum_of_values(const int8_t *x, uint32_t count)
{
    return et_sum_distances(x, count, 0);
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
