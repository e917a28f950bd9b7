/* STM32F4 USART (RM0090 chapter 30), 8 data bits, no parity, 1 stop bit. */
#include "stm32f4.h"
#include "board.h"
#include "../cortex_m/core.h"
#include "../port.h"

#define USART_SR ET_REG(ET_UART_BASE + 0x00u)
#define USART_DR ET_REG(ET_UART_BASE + 0x04u)
#define USART_BRR ET_REG(ET_UART_BASE + 0x08u)
#define USART_CR1 ET_REG(ET_UART_BASE + 0x0Cu)

#define SR_ORE (1u << 3)
#define SR_RXNE (1u << 5)
#define SR_TXE (1u << 7)
#define CR1_RE (1u << 2)
#define CR1_TE (1u << 3)
#define CR1_RXNEIE (1u << 5) /* also interrupts on overrun */
#define CR1_UE (1u << 13)

#define GPIO_MODER ET_REG(ET_UART_GPIO_BASE + 0x00u)
#define GPIO_PUPDR ET_REG(ET_UART_GPIO_BASE + 0x0Cu)
#define GPIO_AFR(pin) ET_REG(ET_UART_GPIO_BASE + 0x20u + 4u * ((pin) / 8u))

#define MODE_ALTERNATE 2u
#define PULL_UP 1u

static void set_field(volatile uint32_t *reg, uint32_t shift, uint32_t mask, uint32_t value)
{
    *reg = (*reg & ~(mask << shift)) | (value << shift);
}

/* The pull-up keeps an unplugged receiver quiet. */
static void pin_start(uint32_t pin)
{
    set_field(&GPIO_PUPDR, 2u * pin, 3u, PULL_UP);
    set_field(&GPIO_AFR(pin), 4u * (pin % 8u), 15u, ET_UART_ALTERNATE);
    set_field(&GPIO_MODER, 2u * pin, 3u, MODE_ALTERNATE);
}

/* A peripheral needs two cycles after its clock is switched on (errata ES0182): reading the bit
 * back takes them. */
static void bus_clock_on(uint32_t address, uint32_t mask)
{
    ET_REG(address) |= mask;
    (void)ET_REG(address);
}

void et_stm32f4_uart_start(uint32_t uart_hz)
{
    bus_clock_on(ET_UART_GPIO_ENABLE_REGISTER, ET_UART_GPIO_ENABLE_MASK);
    bus_clock_on(ET_UART_ENABLE_REGISTER, ET_UART_ENABLE_MASK);
    pin_start(ET_UART_TX_PIN);
    pin_start(ET_UART_RX_PIN);
    USART_BRR = (uart_hz + ET_UART_BAUD / 2u) / ET_UART_BAUD;
    USART_CR1 = CR1_UE | CR1_TE | CR1_RE | CR1_RXNEIE;
    et_irq_enable(ET_UART_IRQ);
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
