/* The server in a product: its port is two functions of the product's. */
#include "edgetune.h"
#include "edgetune_link.h"

#include "model_config.h"
#include "port.h"
#include "rx_ring.h"
#include "server.h"

extern const edgetune_model ET_NAME;
extern const edgetune_link ET_LINK_NAME;

static const edgetune_port *own;

void port_tx(const uint8_t *bytes, uint32_t count)
{
    own->send(own->context, bytes, count);
}

/* The line is the product's. */
uint32_t port_baud(uint32_t baud)
{
    (void)baud;
    return 0;
}

void port_baud_set(uint32_t setting)
{
    (void)setting;
}

uint32_t port_ticks(void)
{
    return own->ticks != 0 ? own->ticks(own->context) : 0u;
}

uint32_t port_tick_hz(void)
{
    return own->tick_hz;
}

void port_reset(void)
{
    if (own->reset != 0) {
        own->reset(own->context);
    }
    for (;;) {
    }
}

void port_stack(uint32_t *size, uint32_t *used)
{
    *size = 0;
    *used = 0;
}

static int32_t start(const edgetune_port *port)
{
    edgetune_statistics found;
    own = port;
    if (edgetune_statistics_of(&ET_NAME, &found) == EDGETUNE_NOT_STARTED) {
        edgetune_start(&ET_NAME, 0, 1);
    }
    et_log("ready");
    return EDGETUNE_OK;
}

static int32_t run(void)
{
    if (edgetune_next_cost(&ET_NAME) != 0u) {
        return EDGETUNE_BUSY;
    }
    et_server_run();
    return EDGETUNE_OK;
}

const edgetune_link ET_LINK_NAME = {
    .start = start,
    .received = et_rx_byte,
    .run = run,
};
