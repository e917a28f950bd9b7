/* A product that learns: a sensor sends pictures, somebody says with a button what they show, and a
 * control task runs every 10 ms, whatever is learnt meanwhile.
 *
 * On the console: a digit is the button, and says what the last picture shows; ? asks what the
 * product takes it for; k keeps what was learnt; s tells of the control task; r resets the chip. */
#include "board.h"
#include "digits.h"
#include "store.h"

#include <string.h>

#define PERIOD (10u * TICKS_PER_MS)
#define DEADLINE (5u * TICKS_PER_MS) /* the control task starts at most so long after it is due */
#ifndef SLICE
#define SLICE 20000u /* instructions, estimated */
#endif

/* The sensor counts 16 steps from dark to light; the model's input goes from 0 to 1. */
#define SHIFT 16
#define STEP EDGETUNE_FIXED(1.0 / 16.0 / (double)DIGITS_INPUT_SCALE, SHIFT)

static int8_t newest[DIGITS_INPUT_BYTES] __attribute__((aligned(4)));
static int8_t learning[DIGITS_INPUT_BYTES] __attribute__((aligned(4)));
static uint32_t label;
static int under_way;

static struct {
    uint32_t due, runs, late, worst; /* ticks */
} control;

static void control_start(void)
{
    memset(&control, 0, sizeof control);
    control.due = board_ticks() + PERIOD;
}

/* The product's real work would stand here.  It measures its own lateness. */
static void control_poll(void)
{
    uint32_t lateness = board_ticks() - control.due;
    if (lateness > 0x7FFFFFFFu) {
        return; /* not due yet */
    }
    control.worst = lateness > control.worst ? lateness : control.worst;
    control.late += lateness > DEADLINE;
    control.runs++;
    control.due += PERIOD;
}

/* Keeping takes its time, so that the control task looks in between: each piece of flash is short. */
static int32_t read_piece(void *context, uint32_t offset, void *bytes, uint32_t count)
{
    (void)context;
    control_poll();
    return flash_read(offset, bytes, count);
}

static int32_t program_piece(void *context, uint32_t offset, const void *bytes, uint32_t count)
{
    (void)context;
    control_poll();
    return flash_program(offset, bytes, count);
}

static int32_t erase_piece(void *context, uint32_t offset)
{
    (void)context;
    control_poll();
    return flash_erase(offset);
}

static uint8_t unit_buffer[ET_STORE_BUFFER(FLASH_UNIT)] __attribute__((aligned(4)));
static const et_store_flash flash = {
    .unit = FLASH_UNIT,
    .sector = FLASH_SECTOR,
    .sectors = FLASH_SECTORS,
    .read = read_piece,
    .program = program_piece,
    .erase = erase_piece,
    .buffer = unit_buffer,
};
static et_store store;

/* Begin with what was kept, else with the weights of the file. */
static void begin(void)
{
    edgetune_start(&digits, 1, 0);
    if (et_store_mount(&store, &flash, digits.state_id, digits.state_bytes) != ET_STORE_OK) {
        console_text("no store\n");
        return;
    }
    int32_t slot = et_store_boot(&store);
    if (slot >= 0 && et_store_load(&store, slot, edgetune_state(&digits)) == ET_STORE_OK) {
        edgetune_state_written(&digits);
    } else {
        edgetune_start(&digits, 1, 0);
    }
}

static void keep(void)
{
    int32_t status = et_store_commit(&store, edgetune_state(&digits), 0);
    status = status == ET_STORE_OK ? et_store_confirm(&store) : status;
    console_text(status == ET_STORE_OK ? "kept\n" : "not kept\n");
}

static void tell(void)
{
    edgetune_statistics found;
    edgetune_statistics_of(&digits, &found);
    console_text("status");
    console_number(found.steps);
    console_number(edgetune_digest(&digits, 1));
    console_number(control.runs);
    console_number(control.late);
    console_number(control.worst);
    console_text("\n");
}

static void sensor_poll(void)
{
    if (!sensor_is_full(sizeof newest)) {
        return;
    }
    const uint8_t *counts = sensor_counts();
    for (uint32_t i = 0; i < sizeof newest; i++) {
        newest[i] = edgetune_quantize(counts[i], STEP, SHIFT, DIGITS_INPUT_ZERO_POINT);
    }
    sensor_next();
    console_text("seen\n");
}

static void learn(uint32_t what)
{
    memcpy(learning, newest, sizeof learning);
    label = what;
    under_way = edgetune_begin(&digits, learning, &label) == EDGETUNE_OK;
}

/* A slice of the step under way. */
static void learn_poll(void)
{
    edgetune_result result;
    if (under_way && edgetune_continue(&digits, SLICE, &result) != EDGETUNE_MORE) {
        under_way = 0;
        console_text("learnt");
        console_number(result.prediction);
        console_text("\n");
    }
}

/* Amid a step the button and the questions wait; the reset does not. */
static void console_poll(void)
{
    static int32_t waiting = -1;
    int32_t byte = waiting >= 0 ? waiting : console_byte();
    waiting = -1;
    if (byte == 'r') {
        board_reset();
    } else if (byte >= 0 && under_way) {
        waiting = byte;
    } else if (byte >= '0' && byte <= '9') {
        learn((uint32_t)(byte - '0'));
    } else if (byte == '?') {
        console_text("looks like");
        console_number((uint32_t)edgetune_predict(&digits, newest));
        console_text("\n");
    } else if (byte == 'k') {
        keep();
    } else if (byte == 's') {
        tell();
    }
}

int main(void)
{
    board_start();
    begin();
    console_text("ready\n");
    control_start();
    for (;;) {
        control_poll();
        sensor_poll();
        console_poll();
        learn_poll();
    }
}
