/* The nRF51's UART (reference manual chapter 29), one byte at a time. */
#include "board.h"
#include "../cortex_m/core.h"
#include "../cortex_m/parts.h"
#include "../port.h"

#define UART(offset) ET_REG(ET_UART_BASE + (offset))
#define STARTRX 0x000u
#define STARTTX 0x008u
#define RXDRDY 0x108u
#define TXDRDY 0x11Cu
#define INTENSET 0x304u
#define ENABLE 0x500u
#define RXD 0x518u
#define TXD 0x51Cu
#define BAUDRATE 0x524u

#define INT_RXDRDY 4u
#define ENABLED 4u
#define BAUD_115200 0x01D7E000u

void et_uart_start(uint32_t uart_hz)
{
    (void)uart_hz;
    UART(BAUDRATE) = BAUD_115200;
    UART(ENABLE) = ENABLED;
    UART(STARTRX) = 1u;
    UART(STARTTX) = 1u;
    UART(INTENSET) = INT_RXDRDY;
    et_irq_enable(ET_UART_IRQ);
}

void port_tx(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        UART(TXDRDY) = 0u;
        UART(TXD) = bytes[i];
        while (UART(TXDRDY) == 0u) {
        }
    }
}

void et_uart_irq(void)
{
    while (UART(RXDRDY)) {
        UART(RXDRDY) = 0u;
        et_rx_byte((uint8_t)UART(RXD));
    }
}
