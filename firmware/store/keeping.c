#include "keeping.h"

#include "kept.h"
#include "model.h"
#include "on_flash.h"

static et_store store;
static int32_t fault;
static uint32_t steps;

/* A run that is over has no steps left to anneal over: it goes on without an end. */
static void go_on(void)
{
    et_learner *learner = (et_learner *)et_model_state();
    if (learner->step >= learner->total_steps) {
        et_learner_go_on(learner, 0);
    }
    et_model_state_written();
}

static void begin_with(int32_t slot)
{
    if (slot >= 0 && et_store_load(&store, slot, et_model_state()) == ET_STORE_OK) {
        go_on();
        return;
    }
    et_model_start(0, 1);
    store.running = ET_STORE_NOTHING;
}

void et_keeping_start(void)
{
    et_model_start(0, 1);
    fault = et_store_mount(&store, &et_region, et_model_keep().state_id, et_model.state_bytes);
    steps = 0;
    if (fault == ET_STORE_OK) {
        begin_with(et_store_boot(&store));
    }
}

void et_keeping_learnt(void)
{
    steps += steps != 0xFFFFFFFFu;
}

/* The first state of all is never too soon. */
static int is_soon(void)
{
    int holds = store.slots[0].state | store.slots[1].state;
    return holds && steps < ET_STORE_STEPS;
}

int32_t et_keeping_commit(uint32_t score, int at_all_events)
{
    if (fault != ET_STORE_OK) {
        return fault;
    }
    if (!at_all_events && is_soon()) {
        return ET_KEEPING_SOON;
    }
    steps = 0;
    return et_store_commit(&store, et_model_state(), score);
}

static uint32_t score_of(int32_t slot)
{
    return slot < 0 ? 0u : store.slots[slot].record.score;
}

int32_t et_keeping_confirm(int at_all_events)
{
    if (!at_all_events && score_of(store.running) < score_of(et_store_confirmed(&store))) {
        return ET_KEEPING_WORSE;
    }
    return fault != ET_STORE_OK ? fault : et_store_confirm(&store);
}

int32_t et_keeping_rollback(void)
{
    int32_t slot = fault != ET_STORE_OK ? fault : et_store_rollback(&store);
    if (slot < ET_STORE_NOTHING) {
        return slot;
    }
    begin_with(slot);
    return ET_STORE_OK;
}

const et_store *et_keeping_store(void)
{
    return &store;
}

uint32_t et_keeping_steps(void)
{
    return steps;
}

int32_t et_keeping_fault(void)
{
    return fault;
}

uint32_t et_keeping_capacity(void)
{
    return et_store_capacity(&et_region);
}
