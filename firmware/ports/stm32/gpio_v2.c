/* Pins of every STM32 but the F1 (RM0090 chapter 8): mode, pull and alternate function. */
#include "usart.h"
#include "board.h"
#include "../cortex_m/core.h"

#define GPIO_MODER 0x00u
#define GPIO_PUPDR 0x0Cu
#define GPIO_AFRL 0x20u

#define MODE_ALTERNATE 2u
#define PULL_UP 1u

static void set_field(uint32_t address, uint32_t width, uint32_t index, uint32_t value)
{
    uint32_t mask = (1u << width) - 1u;
    et_set_bits(address, mask << (width * index), value << (width * index));
}

/* The pull-up keeps an unplugged receiver quiet. */
static void pin_start(uint32_t gpio, uint32_t pin)
{
    set_field(gpio + GPIO_PUPDR, 2u, pin, PULL_UP);
    set_field(gpio + GPIO_AFRL + 4u * (pin / 8u), 4u, pin % 8u, ET_UART_ALTERNATE);
    set_field(gpio + GPIO_MODER, 2u, pin, MODE_ALTERNATE);
}

void et_uart_pins_start(void)
{
    et_bus_clock_on(ET_UART_GPIO_ENABLE_REGISTER, ET_UART_GPIO_ENABLE_MASK);
    pin_start(ET_UART_TX_GPIO_BASE, ET_UART_TX_PIN);
    pin_start(ET_UART_RX_GPIO_BASE, ET_UART_RX_PIN);
}
