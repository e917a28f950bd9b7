/* The learning server: answers the host's requests, sleeps in between. */
#ifdef ET_STORE
#include "keeping.h"
#endif
#include "model.h"
#include "port.h"
#include "rx_ring.h"
#include "server.h"

/* Checked with interrupts masked: a byte that comes after the check still wakes the sleep. */
static void sleep_until_byte(void)
{
    uint32_t lock = port_lock();
    if (et_rx_empty()) {
        port_sleep();
    }
    port_unlock(lock);
}

int main(void)
{
    port_start();
#ifdef ET_STORE
    et_keeping_start();
#else
    et_model_start(0, 1);
#endif
    et_log("ready");
    for (;;) {
        et_server_run();
        sleep_until_byte();
    }
}
