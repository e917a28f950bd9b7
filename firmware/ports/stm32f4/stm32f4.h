/* Inside the STM32F4 port. */
#ifndef ET_STM32F4_H
#define ET_STM32F4_H

#include <stdint.h>

typedef struct {
    uint32_t core_hz; /* what the core really runs at */
    uint32_t uart_hz; /* what the USART's bus really runs at */
} et_stm32f4_clocks;

et_stm32f4_clocks et_stm32f4_clock_start(void);
void et_stm32f4_uart_start(uint32_t uart_hz);

#endif
