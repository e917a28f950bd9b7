/* RP2040: the UART out of reset and its pins (RP2040 datasheet 2.14, 2.19). */
#include "board.h"
#include "rp2040.h"
#include "../arm/pl011.h"

#define IO_BANK0_CTRL(pin) ET_REG(0x40014004u + 8u * (pin))
#define PADS_BANK0(pin) (0x4001C004u + 4u * (pin))

#define FUNCTION_UART 2u
#define PAD_PULL_DOWN (1u << 2)
#define PAD_PULL_UP (1u << 3)

/* The pull-up keeps an unplugged receiver quiet. */
void et_uart_connect(void)
{
    et_rp2040_unreset(ET_RESET_IO_BANK0 | ET_RESET_PADS_BANK0);
    et_rp2040_reset(ET_RESET_UART0);
    et_set_bits(PADS_BANK0(ET_UART_RX_PIN), PAD_PULL_DOWN | PAD_PULL_UP, PAD_PULL_UP);
    IO_BANK0_CTRL(ET_UART_RX_PIN) = FUNCTION_UART;
    IO_BANK0_CTRL(ET_UART_TX_PIN) = FUNCTION_UART;
}
