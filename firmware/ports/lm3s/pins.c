/* Stellaris LM3S: clock and pins of the UART (LM3S6965 data sheet, 5.5 and 8.3). */
#include "board.h"
#include "../arm/pl011.h"
#include "../cortex_m/core.h"

#define SYSCTL_RCGC1 0x400FE104u
#define SYSCTL_RCGC2 0x400FE108u

#define GPIO_AFSEL (ET_UART_GPIO_BASE + 0x420u)
#define GPIO_PUR (ET_UART_GPIO_BASE + 0x510u)
#define GPIO_DEN (ET_UART_GPIO_BASE + 0x51Cu)

/* The pull-up keeps an unplugged receiver quiet. */
void et_uart_connect(void)
{
    uint32_t rx = 1u << ET_UART_RX_PIN;
    uint32_t both = rx | (1u << ET_UART_TX_PIN);
    et_bus_clock_on(SYSCTL_RCGC1, ET_UART_ENABLE_MASK);
    et_bus_clock_on(SYSCTL_RCGC2, ET_UART_GPIO_ENABLE_MASK);
    et_set_bits(GPIO_PUR, rx, rx);
    et_set_bits(GPIO_DEN, both, both);
    et_set_bits(GPIO_AFSEL, both, both);
}
