/* The server's step and the library's on the same sample, in one image; told on the console: a word,
 * then numbers.  A tick is 1.6 instructions where QEMU counts them with shift=6. */
#include "board.h"
#include "bench_model.h"
#include "model.h" /* the server's, and its request */
#include "model_config.h"
#include "frames.h"
#include "messages.h"
#include "port.h"
#include "requests.h"

#include <string.h>

#define PAINTED 8192u

/* A request's payload: the target, then the sample. */
static uint8_t payload[BENCH_MODEL_TARGET_BYTES + BENCH_MODEL_INPUT_BYTES]
    __attribute__((aligned(8)));
static int8_t *const input = (int8_t *)payload + BENCH_MODEL_TARGET_BYTES;
static const void *const target = payload;

static uint8_t wire[2u * ET_FRAME_MAX];
static uint32_t wire_bytes;

void port_tx(const uint8_t *bytes, uint32_t count)
{
    memcpy(wire + wire_bytes, bytes, count);
    wire_bytes += count;
}

uint32_t port_ticks(void)
{
    return board_ticks();
}

void port_stack(uint32_t *size, uint32_t *used)
{
    *size = *used = 0;
}

/* The stack below the caller, painted; and how much of it was used. */
static __attribute__((noinline)) uint32_t stack_used(int paint)
{
    volatile uint8_t area[PAINTED];
    uint32_t used = 0;
    if (paint) {
        memset((void *)area, 0xE7, PAINTED);
        return 0;
    }
    while (used < PAINTED && area[used] == 0xE7u) {
        used++;
    }
    return PAINTED - used;
}

static void tell(const char *word, uint32_t first, uint32_t second, uint32_t third, uint32_t last)
{
    console_text(word);
    console_number(first);
    console_number(second);
    console_number(third);
    console_number(last);
    console_text("\n");
}

static void server(void)
{
    et_model_start(1, 0);
    stack_used(1);
    uint32_t begin = board_ticks();
    et_model_train(input, target);
    uint32_t ticks = board_ticks() - begin, stack = stack_used(0);
    tell("server", ticks, stack, et_model_digest(), 0);
}

/* What the server does for a sample: its frame, the request, the reply's frame. */
static void request(void)
{
    static uint8_t frame[ET_FRAME_MAX] __attribute__((aligned(4))), reply[ET_REPLY_MAX];
    et_decoder decoder = {.frame = frame, .capacity = ET_FRAME_MAX};
    et_header header = {ET_TRAIN, 0, 1, 1, sizeof payload};
    memcpy(frame + ET_HEADER_BYTES, payload, sizeof payload);
    et_encode(frame, et_seal(frame, &header), port_tx);
    uint32_t bytes = wire_bytes;
    et_model_start(1, 0);
    uint32_t begin = board_ticks();
    for (uint32_t i = 0; i < bytes; i++) {
        et_decode(&decoder, wire[i]);
    }
    header.length = (uint16_t)et_request(ET_TRAIN, frame + ET_HEADER_BYTES, sizeof payload,
                                         reply + ET_HEADER_BYTES);
    wire_bytes = 0;
    et_encode(reply, et_seal(reply, &header), port_tx);
    tell("request", board_ticks() - begin, 0, et_model_digest(), 0);
}

static void whole(void)
{
    edgetune_start(&bench_model, 1, 0);
    stack_used(1);
    uint32_t begin = board_ticks();
    edgetune_learn(&bench_model, input, target, 0);
    uint32_t ticks = board_ticks() - begin, stack = stack_used(0);
    tell("library", ticks, stack, edgetune_digest(&bench_model, 0), 0);
}

static void sliced(uint32_t budget)
{
    uint32_t longest = 0, sum = 0, slices = 0;
    int32_t status = EDGETUNE_MORE;
    edgetune_start(&bench_model, 1, 0);
    uint32_t before = board_ticks();
    edgetune_begin(&bench_model, input, target);
    sum = board_ticks() - before;
    while (status == EDGETUNE_MORE) {
        before = board_ticks();
        status = edgetune_continue(&bench_model, budget, 0);
        uint32_t ticks = board_ticks() - before;
        sum += ticks;
        longest = ticks > longest ? ticks : longest;
        slices++;
    }
    tell("sliced", slices, longest, sum, edgetune_digest(&bench_model, 0));
}

int main(void)
{
    static const uint32_t budgets[] = {BENCH_BUDGETS};
    uint32_t noise = 1;
    board_start();
    for (uint32_t i = 0; i < BENCH_MODEL_INPUT_BYTES; i++) {
        noise = noise * 1664525u + 1013904223u;
        input[i] = (int8_t)(noise >> 24);
    }
    server();
    request();
    whole();
    for (uint32_t i = 0; i < sizeof budgets / sizeof budgets[0]; i++) {
        sliced(budgets[i]);
    }
    console_text("done\n");
    for (;;) {
    }
}
