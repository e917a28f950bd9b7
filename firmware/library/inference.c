/* A library's model that only runs: what edgetune.h asks, on model.h. */
#include "edgetune.h"

#include "argmax.h"
#include "model.h"
#include "model_config.h"

static int32_t start(uint32_t seed, uint32_t total_steps)
{
    (void)seed;
    (void)total_steps;
    return EDGETUNE_OK;
}

static int32_t predict(const int8_t *input)
{
    if (((uintptr_t)input & 3u) != 0u) {
        return EDGETUNE_ALIGNMENT;
    }
    et_model_forward(input);
    return et_argmax(et_model_output(), ET_OUTPUT_BYTES);
}

static int32_t begin(const int8_t *input, const void *target)
{
    (void)input;
    (void)target;
    return EDGETUNE_ONLY_RUNS;
}

static int32_t go_on(uint32_t budget, edgetune_result *result)
{
    (void)budget;
    (void)result;
    return EDGETUNE_ONLY_RUNS;
}

static uint32_t next_cost(void)
{
    return 0;
}

static uint8_t *state(void)
{
    return 0;
}

static int32_t state_written(void)
{
    return EDGETUNE_ONLY_RUNS;
}

static uint32_t digest(int32_t whole)
{
    (void)whole;
    return 0;
}

static int32_t save(edgetune_write write, void *context)
{
    (void)write;
    (void)context;
    return EDGETUNE_ONLY_RUNS;
}

static int32_t load(edgetune_read read, void *context, uint32_t total_steps)
{
    (void)read;
    (void)context;
    (void)total_steps;
    return EDGETUNE_ONLY_RUNS;
}

static int32_t statistics(edgetune_statistics *found)
{
    (void)found;
    return EDGETUNE_ONLY_RUNS;
}

const edgetune_model ET_NAME = {
    .name = ET_TITLE,
    .model_hash = ET_MODEL_HASH,
    .input_bytes = ET_INPUT_BYTES,
    .output_bytes = ET_OUTPUT_BYTES,
    .arena_bytes = ET_ARENA_BYTES,
    .start = start,
    .predict = predict,
    .output = et_model_output,
    .begin = begin,
    .go_on = go_on,
    .next_cost = next_cost,
    .state = state,
    .state_written = state_written,
    .digest = digest,
    .save = save,
    .load = load,
    .statistics = statistics,
};
