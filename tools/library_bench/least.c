/* The least firmware with a library: what its image takes is the library's. */
#include "board.h"
#include "bench_model.h"

static int8_t input[BENCH_MODEL_INPUT_BYTES] __attribute__((aligned(8)));
static uint32_t target[BENCH_MODEL_TARGET_BYTES / 4u + 1u];

int main(void)
{
    board_start();
    edgetune_start(&bench_model, 1, 0);
    for (;;) {
        edgetune_learn(&bench_model, input, target, 0);
        console_number((uint32_t)edgetune_predict(&bench_model, input));
    }
}
