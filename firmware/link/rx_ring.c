#include "rx_ring.h"

#include "model_config.h"

#if (ET_RX_RING & (ET_RX_RING - 1)) != 0
#error "ET_RX_RING must be a power of two"
#endif

/* Free-running counters: written - taken is the fill level, so the whole ring is usable. */
static uint8_t ring[ET_RX_RING];
static uint32_t written, taken, overruns;

/* Acquire and release order the bytes against the counters where the writer is another thread;
   on a Cortex-M they cost one barrier. */
static uint32_t load(const uint32_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *counter, uint32_t value)
{
    __atomic_store_n(counter, value, __ATOMIC_RELEASE);
}

void et_rx_byte(uint8_t byte)
{
    if (written - load(&taken) >= ET_RX_RING) {
        store(&overruns, overruns + 1u);
        return;
    }
    ring[written % ET_RX_RING] = byte;
    store(&written, written + 1u);
}

int et_rx_empty(void)
{
    return load(&written) == taken;
}

int32_t et_rx_take(void)
{
    if (et_rx_empty()) {
        return -1;
    }
    uint8_t byte = ring[taken % ET_RX_RING];
    store(&taken, taken + 1u);
    return byte;
}

uint32_t et_rx_overruns(void)
{
    return load(&overruns);
}
