/* A model whose state is a hash of every sample it was trained on, in order: two runs have the
   same digest only if each sample was learnt exactly once. */
#include <string.h>

#include "frames.h"
#include "model.h"
#include "model_config.h"

#define STATE_BYTES 300u
#define WORDS (STATE_BYTES / 4u)

const et_model_info et_model = {
    .model_hash = 0x12345678u,
    .build_id = 0x9ABCDEF0u,
    .input_bytes = ET_INPUT_BYTES,
    .output_bytes = ET_OUTPUT_BYTES,
    .state_bytes = STATE_BYTES,
    .arena_bytes = 4096,
    .classes = ET_OUTPUT_BYTES,
    .trained_layers = 1,
    .board = "echo",
    .target_bytes = ET_TARGET_BYTES,
};

#ifdef ET_PROFILE
uint32_t et_profile_ticks[40];
uint16_t et_profile_stages = 40;
#endif

/* word 0: steps, word 1: hash over the samples, the rest: filled from the seed. */
static uint32_t state[WORDS];
static uint32_t digest;
static int8_t output[ET_OUTPUT_BYTES];

void et_model_start(uint32_t seed, uint32_t total_steps)
{
    for (uint32_t i = 0; i < WORDS; i++) {
        state[i] = seed + i * 0x9E3779B9u + total_steps;
    }
    state[0] = state[1] = 0;
    et_model_state_written();
}

void et_model_forward(const int8_t *input)
{
    uint32_t hash = et_crc32(state[1], (const uint8_t *)input, ET_INPUT_BYTES);
    for (uint32_t i = 0; i < ET_OUTPUT_BYTES; i++) {
        output[i] = (int8_t)(hash >> (2 * i));
    }
}

const int8_t *et_model_output(void)
{
    return output;
}

int et_model_accepts(const void *target)
{
    return *(const uint16_t *)target < ET_OUTPUT_BYTES;
}

et_train_result et_model_train(const int8_t *input, const void *target)
{
    uint32_t label = *(const uint16_t *)target;
    et_train_result result = {(uint16_t)(state[1] % ET_OUTPUT_BYTES), (uint16_t)state[0], label};
    state[1] = et_crc32(state[1] ^ label, (const uint8_t *)input, ET_INPUT_BYTES);
    state[0]++;
#ifdef ET_PROFILE
    for (uint32_t i = 0; i < et_profile_stages; i++) {
        et_profile_ticks[i] += i;
    }
#endif
    et_model_state_written();
    return result;
}

uint32_t et_model_digest_full(void)
{
    return et_crc32(0, (const uint8_t *)state, STATE_BYTES);
}
uint32_t et_model_digest(void)
{
    return digest;
}
uint8_t *et_model_state(void)
{
    return (uint8_t *)state;
}
void et_model_state_written(void)
{
    digest = et_model_digest_full();
}
