/* Pins of the STM32F1 (RM0008 chapter 9, RM0041 chapter 7): a USART drives its default pins as
 * soon as they are outputs of an alternate function; there is none to choose. */
#include "usart.h"
#include "board.h"
#include "../cortex_m/core.h"

#define GPIO_CRL 0x00u
#define GPIO_BSRR 0x10u

#define PIN_MASK 0xFu
#define OUTPUT_ALTERNATE 0x9u /* push-pull, 10 MHz */
#define INPUT_PULLED 0x8u     /* up where the output bit is set */

static void pin_start(uint32_t gpio, uint32_t pin, uint32_t mode)
{
    uint32_t shift = 4u * (pin % 8u);
    et_set_bits(gpio + GPIO_CRL + 4u * (pin / 8u), PIN_MASK << shift, mode << shift);
}

/* The pull-up keeps an unplugged receiver quiet. */
void et_uart_pins_start(void)
{
    et_bus_clock_on(ET_UART_GPIO_ENABLE_REGISTER, ET_UART_GPIO_ENABLE_MASK);
    pin_start(ET_UART_TX_GPIO_BASE, ET_UART_TX_PIN, OUTPUT_ALTERNATE);
    ET_REG(ET_UART_RX_GPIO_BASE + GPIO_BSRR) = 1u << ET_UART_RX_PIN;
    pin_start(ET_UART_RX_GPIO_BASE, ET_UART_RX_PIN, INPUT_PULLED);
}
