/* The port to the PC. The UART is standard input and standard output, so whoever starts the
 * program holds the other end; when that end closes, the program ends. There are no interrupts:
 * bytes are received while the firmware sleeps, and wait in the pipe while it works. */
#include "../firmware/ports/port.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define RECEIVE_BYTES 64 /* at a time: less than any receive buffer that firmware announces */

void port_start(void)
{
}

void port_tx(const uint8_t *bytes, uint32_t count)
{
    while (count > 0) {
        ssize_t sent = write(STDOUT_FILENO, bytes, count);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent <= 0) {
            _exit(0);
        }
        bytes += sent;
        count -= (uint32_t)sent;
    }
}

/* A pipe has no rate: any will do. */
uint32_t port_baud(uint32_t baud)
{
    return baud;
}

void port_baud_set(uint32_t setting)
{
    (void)setting;
}

/* Microseconds. */
uint32_t port_ticks(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)((uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u);
}

uint32_t port_tick_hz(void)
{
    return 1000000u;
}

uint32_t port_lock(void)
{
    return 0;
}

void port_unlock(uint32_t state)
{
    (void)state;
}

void port_sleep(void)
{
    uint8_t bytes[RECEIVE_BYTES];
    ssize_t count = read(STDIN_FILENO, bytes, sizeof bytes);
    if (count == 0 || (count < 0 && errno != EINTR)) {
        exit(0);
    }
    for (ssize_t i = 0; i < count; i++) {
        et_rx_byte(bytes[i]);
    }
}

/* A fresh start of the same program: memory is new, the UART's other end does not notice. */
void port_reset(void)
{
    execl("/proc/self/exe", "firmware", (char *)NULL);
    _exit(1);
}

void port_stack(uint32_t *size, uint32_t *used)
{
    *size = 0;
    *used = 0;
}
