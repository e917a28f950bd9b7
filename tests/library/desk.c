/* What a test asks of two libraries in one image; C and C++. */
#include "edgetune_float.h"
#include "first.h"
#include "second.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint32_t bytes, cut; /* of the memory; operations until it fails, 0: never */
    uint8_t memory[1 << 16];
} desk_flash;

const edgetune_model *desk_model(int32_t second);
int32_t desk_start(const edgetune_model *model, uint32_t seed, uint32_t total);
int32_t desk_predict(const edgetune_model *model, const int8_t *input);
int32_t desk_begin(const edgetune_model *model, const int8_t *input, const void *target);
int32_t desk_continue(const edgetune_model *model, uint32_t budget, edgetune_result *result);
int32_t desk_learn(const edgetune_model *model, const int8_t *input, const void *target,
                   edgetune_result *result);
uint32_t desk_digest(const edgetune_model *model, int32_t whole);
uint32_t desk_next_cost(const edgetune_model *model);
int32_t desk_save(const edgetune_model *model, desk_flash *flash);
int32_t desk_load(const edgetune_model *model, desk_flash *flash, uint32_t total);
int32_t desk_statistics(const edgetune_model *model, edgetune_statistics *found);
int32_t desk_guard(const edgetune_model *model, int32_t what, int32_t score, uint32_t bytes);
int32_t desk_quantize(int32_t count, int32_t multiplier, uint32_t shift, int32_t zero_point);
int32_t desk_dequantize(int32_t value, int32_t multiplier, uint32_t shift, int32_t zero_point);
int32_t desk_quantize_float(float real, float scale, int32_t zero_point);
int32_t desk_fixed(void);

const edgetune_model *desk_model(int32_t second_one)
{
    return second_one ? &second : &first;
}

int32_t desk_start(const edgetune_model *model, uint32_t seed, uint32_t total)
{
    return edgetune_start(model, seed, total);
}

int32_t desk_predict(const edgetune_model *model, const int8_t *input)
{
    return edgetune_predict(model, input);
}

int32_t desk_begin(const edgetune_model *model, const int8_t *input, const void *target)
{
    return edgetune_begin(model, input, target);
}

int32_t desk_continue(const edgetune_model *model, uint32_t budget, edgetune_result *result)
{
    return edgetune_continue(model, budget, result);
}

int32_t desk_learn(const edgetune_model *model, const int8_t *input, const void *target,
                   edgetune_result *result)
{
    return edgetune_learn(model, input, target, result);
}

uint32_t desk_digest(const edgetune_model *model, int32_t whole)
{
    return edgetune_digest(model, whole);
}

uint32_t desk_next_cost(const edgetune_model *model)
{
    return edgetune_next_cost(model);
}

static int32_t fails(desk_flash *flash, uint32_t offset, uint32_t count)
{
    if (offset + count > sizeof flash->memory || flash->cut == 1u) {
        return -1;
    }
    flash->cut -= flash->cut != 0u;
    return 0;
}

static int32_t write_flash(void *context, uint32_t offset, const void *bytes, uint32_t count)
{
    desk_flash *flash = (desk_flash *)context;
    if (fails(flash, offset, count)) {
        return -1;
    }
    memcpy(flash->memory + offset, bytes, count);
    flash->bytes = offset + count > flash->bytes ? offset + count : flash->bytes;
    return 0;
}

static int32_t read_flash(void *context, uint32_t offset, void *bytes, uint32_t count)
{
    desk_flash *flash = (desk_flash *)context;
    if (fails(flash, offset, count)) {
        return -1;
    }
    memcpy(bytes, flash->memory + offset, count);
    return 0;
}

int32_t desk_save(const edgetune_model *model, desk_flash *flash)
{
    return edgetune_save(model, write_flash, flash);
}

int32_t desk_load(const edgetune_model *model, desk_flash *flash, uint32_t total)
{
    return edgetune_load(model, read_flash, flash, total);
}

int32_t desk_statistics(const edgetune_model *model, edgetune_statistics *found)
{
    return edgetune_statistics_of(model, found);
}

int32_t desk_guard(const edgetune_model *model, int32_t what, int32_t score, uint32_t bytes)
{
    static edgetune_guard guard;
    static uint8_t memory[1 << 16];
    if (what == 0) {
        return edgetune_guard_start(model, &guard, memory, bytes, score);
    }
    return what == 1 ? edgetune_guard_judge(model, &guard, score)
                     : edgetune_guard_back(model, &guard);
}

int32_t desk_quantize(int32_t count, int32_t multiplier, uint32_t shift, int32_t zero_point)
{
    return edgetune_quantize(count, multiplier, shift, zero_point);
}

int32_t desk_dequantize(int32_t value, int32_t multiplier, uint32_t shift, int32_t zero_point)
{
    return edgetune_dequantize((int8_t)value, multiplier, shift, zero_point);
}

int32_t desk_quantize_float(float real, float scale, int32_t zero_point)
{
    return edgetune_quantize_float(real, scale, zero_point);
}

int32_t desk_fixed(void)
{
    return EDGETUNE_FIXED(0.75, 16);
}

#ifdef __cplusplus
}
#endif
