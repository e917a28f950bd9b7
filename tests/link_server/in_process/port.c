/* The server as a library: what the host sends is handled at once, what is answered is kept until
   it is taken. */
#include "port.h"

#include <stdlib.h>
#include <string.h>

#include "server.h"

#define BOOT_RATE 115200u

static uint8_t sent[1u << 17];
static uint32_t kept;

/* What the UART runs at; the rates that it makes are those up to `port_fastest`. Of the bytes that
   are kept, those that went out before the rate changed. */
uint32_t port_rate = BOOT_RATE, port_fastest, port_before;

uint32_t port_baud(uint32_t baud)
{
    return baud <= port_fastest ? baud : 0;
}

void port_baud_set(uint32_t setting)
{
    port_before = kept;
    port_rate = setting ? setting : BOOT_RATE;
}

/* Bytes of the host; how many are to be taken then. */
uint32_t port_hear(const uint8_t *bytes, uint32_t count);
uint32_t port_hear(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        et_rx_byte(bytes[i]);
        et_server_run();
    }
    return kept;
}

void port_take(uint8_t *bytes);
void port_take(uint8_t *bytes)
{
    memcpy(bytes, sent, kept);
    kept = port_before = 0;
}

void port_tx(const uint8_t *bytes, uint32_t count)
{
    if (count > sizeof sent - kept) {
        abort();
    }
    memcpy(sent + kept, bytes, count);
    kept += count;
}

uint32_t port_ticks(void)
{
    return 0;
}
uint32_t port_tick_hz(void)
{
    return 0;
}
void port_reset(void)
{
    abort();
}

void port_stack(uint32_t *size, uint32_t *used)
{
    *size = 0;
    *used = 0;
}
