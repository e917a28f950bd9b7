/* Arm's CMSDK UART (DDI 0479 4.4), as in the MPS2 and MPS3 FPGA images. */
#include "board.h"
#include "../cortex_m/core.h"
#include "../cortex_m/parts.h"
#include "../port.h"

#define UART_DATA ET_REG(ET_UART_BASE + 0x00u)
#define UART_STATE ET_REG(ET_UART_BASE + 0x04u)
#define UART_CTRL ET_REG(ET_UART_BASE + 0x08u)
#define UART_INTCLEAR ET_REG(ET_UART_BASE + 0x0Cu)
#define UART_BAUDDIV ET_REG(ET_UART_BASE + 0x10u)

#define STATE_TX_FULL 0x1u
#define STATE_RX_FULL 0x2u
#define STATE_RX_OVERRUN 0x8u /* cleared by writing 1 */
#define CTRL_TX_RX_RXINT 0xBu /* transmitter, receiver, receive interrupt */
#define INT_RX 0x2u

#define LEAST_BAUDDIV 16u
#define BITS 10u /* of a byte on the line */

static uint32_t hz;

void et_uart_start(uint32_t uart_hz)
{
    hz = uart_hz;
    port_baud_set(0);
    UART_CTRL = CTRL_TX_RX_RXINT;
    et_irq_enable(ET_UART_IRQ);
}

uint32_t port_baud(uint32_t baud)
{
    return et_divisor(hz, baud, LEAST_BAUDDIV);
}

/* No flag tells when the last byte has left the shift register: it takes as many cycles as are
 * counted, and a look at a register takes more than one. */
void port_baud_set(uint32_t setting)
{
    (void)et_wait_for(ET_UART_BASE + 0x04u, STATE_TX_FULL, 0u);
    for (uint32_t left = BITS * UART_BAUDDIV; left != 0u; left--) {
        (void)UART_STATE;
    }
    UART_BAUDDIV = setting ? setting : (hz + ET_UART_BAUD / 2u) / ET_UART_BAUD;
}

void port_tx(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        while (UART_STATE & STATE_TX_FULL) {
        }
        UART_DATA = bytes[i];
    }
}

/* The interrupt is cleared first: a byte that comes while the buffer is emptied raises it anew. */
void et_uart_irq(void)
{
    UART_INTCLEAR = INT_RX;
    UART_STATE = STATE_RX_OVERRUN;
    while (UART_STATE & STATE_RX_FULL) {
        et_rx_byte((uint8_t)UART_DATA);
    }
}
