/* The learning engine as the rest of the firmware sees it: one model, static memory. */
#ifndef ET_MODEL_H
#define ET_MODEL_H

#include <stdint.h>

typedef struct {
    uint32_t model_hash; /* first 4 bytes of the .tflite's SHA-256 */
    uint32_t build_id;   /* hash of the generated sources and options */
    uint32_t input_bytes, output_bytes, state_bytes, arena_bytes;
    uint16_t classes, trained_layers;
    char board[24];
    uint32_t target_bytes; /* of a training sample, before the input */
} et_model_info;
extern const et_model_info et_model;

typedef struct {
    uint16_t prediction; /* before the update */
    uint16_t draws;      /* applied; saturated to 65535 */
    uint32_t measure;    /* of the loss: how far off the sample was */
} et_train_result;

/* Initial weights from flash, a fresh generator, fresh rule state, step 0. */
void et_model_start(uint32_t seed, uint32_t total_steps);

/* input: 4-byte aligned, must stay untouched during the call. */
void et_model_forward(const int8_t *input);
const int8_t *et_model_output(void); /* output_bytes of them */

/* target: target_bytes in the form that the loss takes, 4-byte aligned. */
int et_model_accepts(const void *target); /* whether it can be one */
et_train_result et_model_train(const int8_t *input, const void *target);

uint32_t et_model_digest(void);      /* incremental, cheap */
uint32_t et_model_digest_full(void); /* recomputed from the memory itself */

/* One contiguous little-endian block of state_bytes: generator, step counter, rule state,
   trained weights and biases. */
uint8_t *et_model_state(void);

/* To be called after bytes of the state were overwritten: recomputes the incremental digest. */
void et_model_state_written(void);

#ifdef ET_PROFILE
extern uint32_t et_profile_ticks[]; /* accumulated, one entry a stage */
extern uint16_t et_profile_stages;
#endif

#endif
