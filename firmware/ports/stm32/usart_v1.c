/* The USART of STM32F1 and F4 (RM0008 chapter 27, RM0090 chapter 30): 8 data bits, no parity,
 * 1 stop bit. */
#include "usart.h"
#include "board.h"
#include "../cortex_m/core.h"
#include "../cortex_m/parts.h"
#include "../port.h"

#define USART_SR ET_REG(ET_UART_BASE + 0x00u)
#define USART_DR ET_REG(ET_UART_BASE + 0x04u)
#define USART_BRR ET_REG(ET_UART_BASE + 0x08u)
#define USART_CR1 ET_REG(ET_UART_BASE + 0x0Cu)

#define SR_ORE (1u << 3)
#define SR_RXNE (1u << 5)
#define SR_TC (1u << 6)
#define SR_TXE (1u << 7)
#define CR1_RE (1u << 2)
#define CR1_TE (1u << 3)
#define CR1_RXNEIE (1u << 5) /* also interrupts on overrun */
#define CR1_UE (1u << 13)

#define LEAST_BRR 16u /* 16 samples a bit */

static uint32_t hz;

void et_uart_start(uint32_t uart_hz)
{
    hz = uart_hz;
    et_bus_clock_on(ET_UART_ENABLE_REGISTER, ET_UART_ENABLE_MASK);
    et_uart_pins_start();
    port_baud_set(0);
    et_irq_enable(ET_UART_IRQ);
}

uint32_t port_baud(uint32_t baud)
{
    return et_divisor(hz, baud, LEAST_BRR);
}

void port_baud_set(uint32_t setting)
{
    (void)et_wait_for(ET_UART_BASE, SR_TC, SR_TC);
    USART_CR1 = 0;
    USART_BRR = setting ? setting : (hz + ET_UART_BAUD / 2u) / ET_UART_BAUD;
    USART_CR1 = CR1_UE | CR1_TE | CR1_RE | CR1_RXNEIE;
}

void port_tx(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        while (!(USART_SR & SR_TXE)) {
        }
        USART_DR = bytes[i];
    }
}

/* Reading SR, then DR, clears the overrun flag too; after an overrun alone DR holds no new byte. */
void et_uart_irq(void)
{
    uint32_t status = USART_SR;
    if (status & (SR_RXNE | SR_ORE)) {
        uint8_t byte = (uint8_t)USART_DR;
        if (status & SR_RXNE) {
            et_rx_byte(byte);
        }
    }
}
