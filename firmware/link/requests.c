#include "model_config.h"

#include "requests.h"

#include <string.h>

#include "argmax.h"
#include "frames.h"
#include "messages.h"
#include "model.h"
#include "port.h"
#include "rx_ring.h"
#ifdef ET_STORE
#include "keeping.h"
#endif

#define ANY_LENGTH 0xFFFFu

uint32_t et_bad_frames;

/* Bytes of the state written so far while state_open. */
static uint32_t state_written;
static uint8_t state_open;
static uint32_t step_ticks;

static int32_t on_start(const uint8_t *payload, uint32_t length, uint8_t *reply)
{
    (void)length;
    et_model_start(et_get32(payload), et_get32(payload + 4));
    state_open = 0;
    et_set32(reply, et_model_digest());
    return 4;
}

static int32_t on_train(const uint8_t *payload, uint32_t length, uint8_t *reply)
{
    uint32_t begin = port_ticks();
    const int8_t *input = (const int8_t *)payload + ET_TARGET_BYTES;
    (void)length;
    if (!et_model_accepts(payload)) {
        return -ET_ERROR_TARGET;
    }
#ifdef ET_FRAME_AT /* the sample makes room for the model once it has been read; its target not */
    static uint32_t target[ET_TARGET_BYTES / 4u + 1u];
    memcpy(target, payload, ET_TARGET_BYTES);
#else
    const uint8_t *target = payload;
#endif
    et_train_result result = et_model_train(input, target);
    step_ticks = port_ticks() - begin;
#ifdef ET_STORE
    et_keeping_learnt();
#endif
    et_set16(reply, result.prediction);
    et_set16(reply + 2, result.draws);
    et_set32(reply + 4, result.measure);
    et_set32(reply + 8, et_model_digest());
    return 12;
}

static int32_t on_infer(const uint8_t *payload, uint32_t length, uint8_t *reply)
{
    uint32_t begin = port_ticks();
    (void)length;
    et_model_forward((const int8_t *)payload);
    step_ticks = port_ticks() - begin;
    const int8_t *output = et_model_output();
    et_set16(reply, et_argmax(output, et_model.classes));
    et_set16(reply + 2, ET_OUTPUT_BYTES);
    memcpy(reply + 4, output, ET_OUTPUT_BYTES);
    return (int32_t)(4u + ET_OUTPUT_BYTES);
}

static int32_t on_digest(const uint8_t *payload, uint32_t length, uint8_t *reply)
{
    (void)length;
    et_set32(reply, et_get32(payload) ? et_model_digest_full() : et_model_digest());
    return 4;
}

static int32_t on_read(const uint8_t *payload, uint32_t length, uint8_t *reply)
{
    uint32_t offset = et_get32(payload), count = et_get32(payload + 4);
    (void)length;
    if (offset > et_model.state_bytes || count > et_model.state_bytes - offset ||
        count > ET_REPLY_PAYLOAD - 4u) {
        return -ET_ERROR_RANGE;
    }
    et_set32(reply, offset);
    memcpy(reply + 4, et_model_state() + offset, count);
    return (int32_t)(4u + count);
}

/* Offset 0 begins; every other chunk must continue where the last one ended. */
static int32_t on_write(const uint8_t *payload, uint32_t length, uint8_t *reply)
{
    if (length < 4) {
        return -ET_ERROR_LENGTH;
    }
    uint32_t offset = et_get32(payload), count = length - 4u;
    if (offset != 0 && (!state_open || offset != state_written)) {
        return -ET_ERROR_RANGE;
    }
    if (count > et_model.state_bytes - offset) {
        return -ET_ERROR_RANGE;
    }
    state_open = 1;
    memcpy(et_model_state() + offset, payload + 4, count);
    state_written = offset + count;
    et_set32(reply, state_written);
    return 4;
}

static int32_t on_write_end(const uint8_t *payload, uint32_t length, uint8_t *reply)
{
    (void)length;
    if (!state_open || state_written != et_model.state_bytes) {
        return -ET_ERROR_RANGE;
    }
    if (et_crc32(0, et_model_state(), et_model.state_bytes) != et_get32(payload)) {
        return -ET_ERROR_CRC;
    }
    state_open = 0;
    et_model_state_written();
    et_set32(reply, et_model_digest());
    return 4;
}

static int32_t on_stats(const uint8_t *payload, uint32_t length, uint8_t *reply)
{
    uint32_t size = 0, used = 0;
    (void)payload;
    (void)length;
    port_stack(&size, &used);
    et_set32(reply, size);
    et_set32(reply + 4, used);
    et_set32(reply + 8, et_rx_overruns());
    et_set32(reply + 12, et_bad_frames);
    et_set32(reply + 16, step_ticks);
    return 20;
}

#ifdef ET_PROFILE
static int32_t on_profile(const uint8_t *payload, uint32_t length, uint8_t *reply)
{
    uint32_t first = et_get16(payload), count = et_get16(payload + 2);
    (void)length;
    if (first + count > et_profile_stages || 4u * count > ET_REPLY_PAYLOAD - 4u) {
        return -ET_ERROR_RANGE;
    }
    et_set16(reply, et_profile_stages);
    et_set16(reply + 2, first);
    for (uint32_t i = 0; i < count; i++) {
        et_set32(reply + 4 + 4 * i, et_profile_ticks[first + i]);
    }
    return (int32_t)(4u + 4u * count);
}
#endif

#ifdef ET_STORE
static int32_t store_error(int32_t status)
{
    switch (status) {
    case ET_STORE_OK:
        return 0;
    case ET_STORE_NO_TRIAL:
        return -ET_ERROR_TRIAL;
    case ET_KEEPING_SOON:
        return -ET_ERROR_SOON;
    case ET_KEEPING_WORSE:
        return -ET_ERROR_WORSE;
    default:
        return -ET_ERROR_FLASH;
    }
}

static int32_t on_store_status(const uint8_t *payload, uint32_t length, uint8_t *reply)
{
    const et_store *store = et_keeping_store();
    (void)payload;
    (void)length;
    et_set16(reply, (uint32_t)store->running);
    et_set16(reply + 2, (uint32_t)et_keeping_fault());
    et_set32(reply + 4, et_keeping_steps());
    et_set32(reply + 8, ET_STORE_STEPS);
    et_set32(reply + 12, et_keeping_capacity());
    et_set32(reply + 16, (uint32_t)store->flash_error);
    for (uint32_t i = 0; i < ET_STORE_SLOTS; i++) {
        const et_store_slot *slot = &store->slots[i];
        uint8_t *at = reply + 20 + 16 * i;
        et_set32(at, slot->state);
        et_set32(at + 4, slot->record.generation);
        et_set32(at + 8, slot->record.erases);
        et_set32(at + 12, slot->record.score);
    }
    return 20 + 16 * ET_STORE_SLOTS;
}

static int32_t on_commit(const uint8_t *payload, uint32_t length, uint8_t *reply)
{
    (void)length;
    (void)reply;
    return store_error(et_keeping_commit(et_get32(payload), et_get32(payload + 4) != 0));
}

static int32_t on_confirm(const uint8_t *payload, uint32_t length, uint8_t *reply)
{
    (void)length;
    (void)reply;
    return store_error(et_keeping_confirm(et_get32(payload) != 0));
}

static int32_t on_rollback(const uint8_t *payload, uint32_t length, uint8_t *reply)
{
    (void)payload;
    (void)length;
    int32_t error = store_error(et_keeping_rollback());
    et_set32(reply, et_model_digest());
    return error ? error : 4;
}
#endif

/* The server resets the chip once the reply is out. */
static int32_t on_reset(const uint8_t *payload, uint32_t length, uint8_t *reply)
{
    (void)payload;
    (void)length;
    (void)reply;
    return 0;
}

static const struct {
    int32_t (*run)(const uint8_t *payload, uint32_t length, uint8_t *reply);
    uint16_t length;
    uint8_t whole_state; /* refused while the state is half written */
} requests[] = {
    [ET_START] = {on_start, 8, 0},
    [ET_TRAIN] = {on_train, ET_TARGET_BYTES + ET_INPUT_BYTES, 1},
    [ET_INFER] = {on_infer, ET_INPUT_BYTES, 1},
    [ET_DIGEST] = {on_digest, 4, 1},
    [ET_READ] = {on_read, 8, 1},
    [ET_WRITE] = {on_write, ANY_LENGTH, 0},
    [ET_WRITE_END] = {on_write_end, 4, 0},
    [ET_STATS] = {on_stats, 0, 0},
#ifdef ET_PROFILE
    [ET_PROFILE_READ] = {on_profile, 4, 0},
#endif
    [ET_RESET] = {on_reset, 0, 0},
#ifdef ET_STORE
    [ET_STORE_STATUS] = {on_store_status, 0, 0},
    [ET_COMMIT] = {on_commit, 8, 1},
    [ET_CONFIRM] = {on_confirm, 4, 1},
    [ET_ROLLBACK] = {on_rollback, 0, 1},
#endif
};

int32_t et_request(uint8_t type, const uint8_t *payload, uint32_t length, uint8_t *reply)
{
    if (type >= sizeof requests / sizeof requests[0] || requests[type].run == 0) {
        return -ET_ERROR_TYPE;
    }
    if (requests[type].length != ANY_LENGTH && requests[type].length != length) {
        return -ET_ERROR_LENGTH;
    }
    if (requests[type].whole_state && state_open) {
        return -ET_ERROR_STATE;
    }
    return requests[type].run(payload, length, reply);
}
