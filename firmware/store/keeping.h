/* The model's state in the flash of the board: what was learnt outlives a power cut.
 *
 * For firmware without a host: et_keeping_start() in place of et_model_start(); between two steps,
 * every so often, et_keeping_commit() and, where the state proved itself, et_keeping_confirm().
 * Flash stands still meanwhile, see firmware/ports/flash.h. */
#ifndef ET_KEEPING_H
#define ET_KEEPING_H

#include "store.h"

/* Steps that have to be learnt between two commits: flash bears some thousand erases. */
#ifndef ET_STORE_STEPS
#define ET_STORE_STEPS 100u
#endif

enum {
    ET_KEEPING_SOON = -20, /* fewer than ET_STORE_STEPS since the last commit */
    ET_KEEPING_WORSE = -21 /* the confirmed state has the higher score */
};

/* Begin with the state that is kept, as `firmware/store/store.h` says which, or with the first
 * weights, a fresh generator and step 0.  A run that has an end goes on to it, any other without.
 * */
void et_keeping_start(void);

/* After each training step. */
void et_keeping_learnt(void);

/* All return 0, an error of store.h, or one of the above, which `at_all_events` overrides.
 * score: of the model's state, the more the better; 0: not measured. */
int32_t et_keeping_commit(uint32_t score, int at_all_events);
int32_t et_keeping_confirm(int at_all_events);
int32_t et_keeping_rollback(void); /* the model then holds the confirmed state, or the first one */

const et_store *et_keeping_store(void);
uint32_t et_keeping_steps(void);    /* learnt since the last commit, or the start */
int32_t et_keeping_fault(void);     /* why the store cannot be used; 0 where it can */
uint32_t et_keeping_capacity(void); /* bytes of the largest state */

#endif
