/* A product with the link, as a process: what moves bytes are standard input and output. */
#include "small.h"

#include <stdlib.h>
#include <unistd.h>

static void send_bytes(void *context, const uint8_t *bytes, uint32_t count)
{
    (void)context;
    while (count > 0u) {
        ssize_t sent = write(STDOUT_FILENO, bytes, count);
        if (sent <= 0) {
            exit(0);
        }
        bytes += sent;
        count -= (uint32_t)sent;
    }
}

static const edgetune_port port = {send_bytes, 0, 0, 0, 0};

/* A step of the product's own, amid which the link has to wait. */
static int own_step(void)
{
    static int8_t sample[SMALL_INPUT_BYTES] __attribute__((aligned(4)));
    static uint32_t label;
    int32_t status = edgetune_begin(&small, sample, &label);
    int held = small_link.run() == EDGETUNE_BUSY;
    while (status == EDGETUNE_OK || status == EDGETUNE_MORE) {
        status = edgetune_continue(&small, 0, 0);
        if (status == EDGETUNE_OK) {
            break;
        }
    }
    return held && status == EDGETUNE_OK && small_link.run() == EDGETUNE_OK;
}

int main(void)
{
    uint8_t byte;
    if (small_link.start(&port) != EDGETUNE_OK || !own_step()) {
        return 1;
    }
    while (read(STDIN_FILENO, &byte, 1) == 1) {
        small_link.received(byte);
        if (small_link.run() != EDGETUNE_OK) {
            return 2;
        }
    }
    return 0;
}
