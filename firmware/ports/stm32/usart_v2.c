/* The USART and LPUART of STM32F7, G0, H7, L4 and L5 (RM0385 chapter 31, RM0351 chapters 40 and
 * 41): 8 data bits, no parity, 1 stop bit. */
#include "usart.h"
#include "board.h"
#include "../cortex_m/core.h"
#include "../cortex_m/parts.h"
#include "../port.h"

#define USART_CR1 ET_REG(ET_UART_BASE + 0x00u)
#define USART_BRR ET_REG(ET_UART_BASE + 0x0Cu)
#define ISR_ADDRESS (ET_UART_BASE + 0x1Cu)
#define USART_ISR ET_REG(ISR_ADDRESS)
#define USART_ICR ET_REG(ET_UART_BASE + 0x20u)
#define USART_RDR ET_REG(ET_UART_BASE + 0x24u)
#define USART_TDR ET_REG(ET_UART_BASE + 0x28u)

#define CR1_UE (1u << 0)
#define CR1_RE (1u << 2)
#define CR1_TE (1u << 3)
#define CR1_RXNEIE (1u << 5) /* also interrupts on overrun */
#define ISR_ORE (1u << 3)
#define ISR_RXNE (1u << 5)
#define ISR_TC (1u << 6)
#define ISR_TXE (1u << 7)
#define ISR_TEACK (1u << 21)
#define ICR_ORECF (1u << 3)

static uint32_t hz;

/* A USART divides by BRR, an LPUART by BRR / 256; 256 times the clock would not fit a word. */
static uint32_t divisor(uint32_t baud)
{
#ifdef ET_UART_LPUART
    return 256u * (hz / baud) + (256u * (hz % baud) + baud / 2u) / baud;
#else
    return (hz + baud / 2u) / baud;
#endif
}

void et_uart_start(uint32_t uart_hz)
{
    hz = uart_hz;
    et_bus_clock_on(ET_UART_ENABLE_REGISTER, ET_UART_ENABLE_MASK);
    et_uart_pins_start();
    port_baud_set(0);
    et_irq_enable(ET_UART_IRQ);
}

/* A USART takes 16 samples a bit. An LPUART's clock is three times the rate or more, at which its
 * divisor is near enough to any rate. */
uint32_t port_baud(uint32_t baud)
{
#ifdef ET_UART_LPUART
    return baud >= ET_UART_BAUD && baud <= hz / 3u ? divisor(baud) : 0u;
#else
    return et_divisor(hz, baud, 16u);
#endif
}

/* BRR may only be written while the USART is off. That the transmitter is acknowledged is awaited,
 * but a model of the chip that never acknowledges must not stop the start. The receiver's flag,
 * REACK, is not looked at: the STM32F74x has none. */
void port_baud_set(uint32_t setting)
{
    (void)et_wait_for(ISR_ADDRESS, ISR_TC, ISR_TC);
    USART_CR1 = 0;
    USART_BRR = setting ? setting : divisor(ET_UART_BAUD);
    USART_CR1 = CR1_UE | CR1_TE | CR1_RE | CR1_RXNEIE;
    (void)et_wait_for(ISR_ADDRESS, ISR_TEACK, ISR_TEACK);
}

void port_tx(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        while (!(USART_ISR & ISR_TXE)) {
        }
        USART_TDR = bytes[i];
    }
}

/* Unlike the older USART's, the overrun flag stays, and interrupts, until it is written away. */
void et_uart_irq(void)
{
    uint32_t status = USART_ISR;
    if (status & ISR_RXNE) {
        et_rx_byte((uint8_t)USART_RDR);
    }
    if (status & ISR_ORE) {
        USART_ICR = ICR_ORECF;
    }
}
