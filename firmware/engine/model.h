/* The learning engine as the rest of the firmware sees it: one model, static memory.  The server
   sits on it, and so does a library for a product's own firmware, under names of its own. */
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

/* Only where the link's frame lies in it, at ET_FRAME_AT: a sample is overwritten once it was
 * read. */
extern uint8_t et_model_arena[];

typedef struct {
    uint16_t prediction; /* before the update */
    uint16_t draws;      /* applied; saturated to 65535 */
    uint32_t measure;    /* of the loss: how far off the sample was */
} et_train_result;

/* Begin: initial weights from flash, a fresh generator, fresh rule state, step 0.  total_steps: of
   the run, over which the steps anneal; 0: there is no end. */
void et_model_start(uint32_t seed, uint32_t total_steps);

/* input: 4-byte aligned, must stay untouched during the call. */
void et_model_forward(const int8_t *input);
const int8_t *et_model_output(void); /* output_bytes of them */

/* target: target_bytes in the form that the loss takes, 4-byte aligned. */
int et_model_accepts(const void *target); /* whether it can be one */
et_train_result et_model_train(const int8_t *input, const void *target);

/* The same step in slices, in models of a library, whose et_model_train is made of them: begin,
   all stages in order, of each call those from first up to end, end.  input and target stay
   untouched until then. */
void et_model_begin(const int8_t *input, const void *target);
void et_model_stages(uint32_t first, uint32_t end);
et_train_result et_model_end(void);
extern const uint32_t et_model_costs[]; /* instructions of each stage, estimated */

uint32_t et_model_digest(void);      /* incremental, cheap */
uint32_t et_model_digest_full(void); /* recomputed from the memory itself */

/* One contiguous little-endian block of state_bytes: generator, step counter, rule state,
   trained weights and biases. */
uint8_t *et_model_state(void);

/* To be called after bytes of the state were overwritten: recomputes the incremental digest. */
void et_model_state_written(void);

/* Going on, for firmware that has no host.  Between two steps, write the head that et_model_keep
   gives and the state_bytes bytes of et_model_state() to memory that stays; after a restart give
   both to et_model_continue in place of et_model_start.  docs/learning.md. */
typedef struct {
    uint32_t state_id; /* of the network but for what is trained, the loss and the rule */
    uint32_t state_bytes;
    uint32_t check; /* over the state */
} et_kept;
et_kept et_model_keep(void);

/* kept: the state, at any alignment.  total_steps: 0 goes on without an end and counts the steps
   on; else a run of so many begins, which anneals, with the weights, the generator and the rule's
   state of the kept one.  Returns 0, and changes nothing, where the head is of another model or
   the state is damaged. */
int et_model_continue(const et_kept *head, const uint8_t *kept, uint32_t total_steps);

#ifdef ET_PROFILE
extern uint32_t et_profile_ticks[]; /* accumulated, one entry a stage */
extern uint16_t et_profile_stages;
#endif

#endif
