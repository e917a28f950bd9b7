/* Mean squared and Huber error; the measure is the mean size of the errors, in 1/256 of an
 * output step. */
#include "error_block.h"
#include "losses.h"

static int32_t limited(int32_t error, int32_t limit)
{
    return error > limit ? limit : error < -limit ? -limit : error;
}

int32_t et_squared_error_error(const et_squared_error *p, uint32_t size, const int8_t *logits,
                               const void *target, const int8_t *input, et_clip clip, int8_t *e,
                               uint32_t *measure)
{
    const int16_t *values = target;
    et_error_block block = et_error_open(e, logits, clip);
    uint64_t total = 0;
    for (uint32_t i = 0; i < size; i++) {
        int32_t wanted = p->input ? p->input[input[i] + 128] : values[i];
        int32_t error = logits[i] * 256 - wanted;
        total += et_magnitude(error);
        et_error_put(&block, et_held(logits[i], limited(error, p->limit)));
    }
    *measure = (uint32_t)((total + size / 2) / size);
    return (int32_t)block.shift;
}

int et_squared_error_accepts(uint32_t size, const void *target)
{
    (void)size;
    (void)target;
    return 1;
}
