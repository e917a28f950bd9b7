/* A board whose clock software cannot change: the core and the UART run at clock.hz. */
#include "board.h"
#include "parts.h"

et_clocks et_clock_start(void)
{
    return (et_clocks){ET_CLOCK_HZ, ET_CLOCK_HZ};
}
