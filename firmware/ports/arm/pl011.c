/* Arm's PrimeCell UART PL011 (ARM DDI 0183G): 8 data bits, no parity, 1 stop bit. */
#include "pl011.h"
#include "board.h"
#include "../cortex_m/core.h"
#include "../cortex_m/parts.h"
#include "../port.h"

#define UART_DR ET_REG(ET_UART_BASE + 0x00u)
#define FR_ADDRESS (ET_UART_BASE + 0x18u)
#define UART_FR ET_REG(FR_ADDRESS)
#define UART_IBRD ET_REG(ET_UART_BASE + 0x24u)
#define UART_FBRD ET_REG(ET_UART_BASE + 0x28u)
#define UART_LCR_H ET_REG(ET_UART_BASE + 0x2Cu)
#define UART_CR ET_REG(ET_UART_BASE + 0x30u)
#define UART_IFLS ET_REG(ET_UART_BASE + 0x34u)
#define UART_IMSC ET_REG(ET_UART_BASE + 0x38u)
#define UART_ICR ET_REG(ET_UART_BASE + 0x44u)

#define FR_BUSY (1u << 3)
#define FR_RXFE (1u << 4)
#define FR_TXFF (1u << 5)
#define LCR_H_FIFO_8_BITS ((1u << 4) | (3u << 5))
#define CR_ON ((1u << 0) | (1u << 8) | (1u << 9)) /* UART, transmitter, receiver */
#define IFLS_LEAST 0u                             /* interrupt when 1/8 of the FIFO is full */
#define INT_RECEIVE ((1u << 4) | (1u << 6))       /* level reached; idle for 32 bits */
#define INT_ERRORS (15u << 7)                     /* framing, parity, break, overrun */
#define INT_ALL 0x7FFu

#define LEAST_DIVISOR 64u /* 16 samples a bit */

static uint32_t steps; /* 64ths of a divisor, a second */

void et_uart_start(uint32_t uart_hz)
{
    steps = 4u * uart_hz;
    et_uart_connect();
    port_baud_set(0);
    et_irq_enable(ET_UART_IRQ);
}

uint32_t port_baud(uint32_t baud)
{
    return et_divisor(steps, baud, LEAST_DIVISOR);
}

/* Writing LCR_H makes the divisor effective (DDI 0183, 3.3.6 and 3.3.7). What came before is
 * dropped before interrupts are on: an interrupt of a byte that the change of LCR_H has flushed
 * would never end. */
void port_baud_set(uint32_t setting)
{
    uint32_t divisor = setting ? setting : (steps + ET_UART_BAUD / 2u) / ET_UART_BAUD;
    (void)et_wait_for(FR_ADDRESS, FR_BUSY, 0u);
    UART_IMSC = 0u;
    UART_CR = 0u;
    UART_IBRD = divisor >> 6;
    UART_FBRD = divisor & 63u;
    UART_LCR_H = LCR_H_FIFO_8_BITS;
    UART_IFLS = IFLS_LEAST;
    UART_CR = CR_ON;
    UART_ICR = INT_ALL;
    while (!(UART_FR & FR_RXFE)) {
        (void)UART_DR;
    }
    UART_IMSC = INT_RECEIVE;
}

void port_tx(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        while (UART_FR & FR_TXFF) {
        }
        UART_DR = bytes[i];
    }
}

/* Emptying the FIFO ends both receive interrupts (DDI 0183, 3.4). */
void et_uart_irq(void)
{
    UART_ICR = INT_ERRORS;
    while (!(UART_FR & FR_RXFE)) {
        et_rx_byte((uint8_t)UART_DR);
    }
}
