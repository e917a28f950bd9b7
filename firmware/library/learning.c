/* A library's model that learns: what edgetune.h asks, on model.h. */
#include "edgetune.h"

#include "digest.h"
#include "kept.h"
#include "model.h"
#include "model_config.h"

#include <string.h>
#include "argmax.h"

#define NONE 0xFFFFFFFFu /* no step is under way */
#define CHUNK_WORDS 16u

static uint32_t next_stage = NONE;
static uint8_t started;
static edgetune_statistics statistics;

static int32_t is_aligned(const void *pointer)
{
    return ((uintptr_t)pointer & 3u) == 0u;
}

/* What keeps a call from being done now, amid a step or before the start. */
static int32_t obstacle(void)
{
    if (next_stage != NONE) {
        return EDGETUNE_BUSY;
    }
    return started ? EDGETUNE_OK : EDGETUNE_NOT_STARTED;
}

static void begin_anew(void)
{
    memset(&statistics, 0, sizeof statistics);
    next_stage = NONE;
    started = 1;
}

static int32_t start(uint32_t seed, uint32_t total_steps)
{
    et_model_start(seed, total_steps);
    begin_anew();
    return EDGETUNE_OK;
}

static int32_t predict(const int8_t *input)
{
    int32_t status = obstacle();
#ifdef ET_PREDICT_BETWEEN
    status = status == EDGETUNE_BUSY ? EDGETUNE_OK : status;
#endif
    if (status != EDGETUNE_OK) {
        return status;
    }
    if (!is_aligned(input)) {
        return EDGETUNE_ALIGNMENT;
    }
    et_model_forward(input);
    return et_argmax(et_model_output(), ET_OUTPUT_BYTES);
}

static int32_t begin(const int8_t *input, const void *target)
{
    int32_t status = obstacle();
    if (status != EDGETUNE_OK) {
        return status;
    }
    if (!is_aligned(input) || !is_aligned(target)) {
        return EDGETUNE_ALIGNMENT;
    }
    if (!et_model_accepts(target)) {
        return EDGETUNE_TARGET;
    }
    et_model_begin(input, target);
    next_stage = 0;
    return EDGETUNE_OK;
}

static void note(const et_train_result *step)
{
    uint32_t mean = statistics.measure, now = step->measure;
    statistics.learnt++;
    statistics.draws += step->draws;
    if (statistics.learnt == 1u) {
        statistics.measure = now;
    } else {
        statistics.measure = now < mean ? mean - ((mean - now) >> 4) : mean + ((now - mean) >> 4);
    }
}

/* Of a whole step: also what the link calls. */
static et_train_result finish(void)
{
    et_train_result step = et_model_end();
    next_stage = NONE;
    note(&step);
    return step;
}

static int32_t go_on(uint32_t budget, edgetune_result *result)
{
    uint32_t left = budget;
    if (next_stage == NONE) {
        return EDGETUNE_NO_STEP;
    }
    uint32_t first = next_stage;
    do {
        uint32_t cost = et_model_costs[next_stage++];
        left -= cost < left ? cost : left;
    } while (next_stage < ET_STAGES && et_model_costs[next_stage] <= left);
    et_model_stages(first, next_stage);
    if (next_stage < ET_STAGES) {
        return EDGETUNE_MORE;
    }
    et_train_result step = finish();
    if (result != 0) {
        result->prediction = step.prediction;
        result->draws = step.draws;
        result->measure = step.measure;
    }
    return EDGETUNE_OK;
}

et_train_result et_model_train(const int8_t *input, const void *target)
{
    et_model_begin(input, target);
    et_model_stages(0, ET_STAGES);
    return finish();
}

static uint32_t next_cost(void)
{
    return next_stage == NONE ? 0u : et_model_costs[next_stage] + 1u;
}

static int32_t state_written(void)
{
    if (next_stage != NONE) {
        return EDGETUNE_BUSY;
    }
    et_model_state_written();
    started = 1;
    return EDGETUNE_OK;
}

static uint32_t digest(int32_t whole)
{
    return whole ? et_model_digest_full() : et_model_digest();
}

static int32_t save(edgetune_write write, void *context)
{
    int32_t status = obstacle();
    if (status != EDGETUNE_OK) {
        return status;
    }
    et_kept head = et_model_keep();
    if (write(context, EDGETUNE_HEAD, et_model_state(), ET_STATE_BYTES) != 0 ||
        write(context, 0, &head, EDGETUNE_HEAD) != 0) {
        return EDGETUNE_CALLBACK;
    }
    return EDGETUNE_OK;
}

/* The check over the state that read() gives, in pieces. */
static int32_t check_of(edgetune_read read, void *context, uint32_t *check)
{
    uint32_t words[CHUNK_WORDS], sum = 0;
    for (uint32_t at = 0; at < ET_STATE_BYTES / 4u;) {
        uint32_t left = ET_STATE_BYTES / 4u - at;
        uint32_t count = left < CHUNK_WORDS ? left : CHUNK_WORDS;
        if (read(context, EDGETUNE_HEAD + 4u * at, words, 4u * count) != 0) {
            return EDGETUNE_CALLBACK;
        }
        sum += et_kept_sum(at, (const uint8_t *)words, count);
        at += count;
    }
    *check = sum;
    return EDGETUNE_OK;
}

static int32_t load(edgetune_read read, void *context, uint32_t total_steps)
{
    et_kept head, own = {ET_STATE_ID, ET_STATE_BYTES, 0};
    uint32_t check;
    if (next_stage != NONE) {
        return EDGETUNE_BUSY;
    }
    if (read(context, 0, &head, EDGETUNE_HEAD) != 0) {
        return EDGETUNE_CALLBACK;
    }
    if (head.state_id != own.state_id || head.state_bytes != own.state_bytes) {
        return EDGETUNE_FOREIGN;
    }
    int32_t status = check_of(read, context, &check);
    if (status != EDGETUNE_OK) {
        return status;
    }
    if (check != head.check) {
        return EDGETUNE_DAMAGED;
    }
    started = 0; /* until the state is whole */
    if (read(context, EDGETUNE_HEAD, et_model_state(), ET_STATE_BYTES) != 0) {
        return EDGETUNE_CALLBACK;
    }
    if (et_kept_check(et_model_state(), ET_STATE_BYTES) != head.check) {
        return EDGETUNE_DAMAGED;
    }
    et_learner_go_on((et_learner *)(void *)et_model_state(), total_steps);
    et_model_state_written();
    begin_anew();
    return EDGETUNE_OK;
}

static int32_t statistics_of(edgetune_statistics *found)
{
    if (!started) {
        return EDGETUNE_NOT_STARTED;
    }
    *found = statistics;
    found->steps = ((const et_learner *)(const void *)et_model_state())->step;
    return EDGETUNE_OK;
}

const edgetune_model ET_NAME = {
    .name = ET_TITLE,
    .model_hash = ET_MODEL_HASH,
    .state_id = ET_STATE_ID,
    .input_bytes = ET_INPUT_BYTES,
    .output_bytes = ET_OUTPUT_BYTES,
    .target_bytes = ET_TARGET_BYTES,
    .state_bytes = ET_STATE_BYTES,
    .arena_bytes = ET_ARENA_BYTES,
    .stages = ET_STAGES,
    .costs = et_model_costs,
    .start = start,
    .predict = predict,
    .output = et_model_output,
    .begin = begin,
    .go_on = go_on,
    .next_cost = next_cost,
    .state = et_model_state,
    .state_written = state_written,
    .digest = digest,
    .save = save,
    .load = load,
    .statistics = statistics_of,
};
