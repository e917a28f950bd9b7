/* The nRF52840's crystal and debug port (nRF52840 PS v1.7). */
#include "board.h"
#include "../cortex_m/core.h"
#include "../cortex_m/parts.h"

#define CLOCK_TASKS_HFCLKSTART ET_REG(0x40000000u)
#define CLOCK_EVENTS_HFCLKSTARTED ET_REG(0x40000100u)
#define CLOCK_HFCLKSTARTED_ADDRESS 0x40000100u
#define APPROTECT_DISABLE ET_REG(0x40000558u)
#define FICR_INFO_VARIANT ET_REG(0x10000104u)
#define UICR_APPROTECT ET_REG(0x10001208u)

#define VARIANT_REVISION 0x0000FF00u /* the third of four letters, as the F of AAF0 */
#define REVISION_F 0x00004600u

/* From revision F on the debug port is shut at every reset, until the firmware confirms what
 * UICR says of it (PS 4.8 debug and trace, access port protection). The tools that write the chip
 * set UICR; without this line they would have to erase all of it the next time. */
static void debug_port_as_set(void)
{
    if ((FICR_INFO_VARIANT & VARIANT_REVISION) >= REVISION_F) {
        APPROTECT_DISABLE = UICR_APPROTECT;
    }
}

/* The core runs at 64 MHz and the UART at 16 MHz on either oscillator (PS 5.4): on the internal
 * one, which is kept where the crystal does not start, they are some percent off. */
et_clocks et_clock_start(void)
{
    debug_port_as_set();
    CLOCK_EVENTS_HFCLKSTARTED = 0u;
    CLOCK_TASKS_HFCLKSTART = 1u;
    (void)et_wait_for(CLOCK_HFCLKSTARTED_ADDRESS, 1u, 1u);
    return (et_clocks){ET_CLOCK_HZ, ET_CLOCK_UART_HZ};
}
