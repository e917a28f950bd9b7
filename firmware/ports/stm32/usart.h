/* Inside the STM32 ports: between a USART and its pins. */
#ifndef ET_STM32_USART_H
#define ET_STM32_USART_H

/* Give the pins uart.tx_pin and uart.rx_pin to the USART. */
void et_uart_pins_start(void);

#endif
