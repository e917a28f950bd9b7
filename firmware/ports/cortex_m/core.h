/* Registers that every Cortex-M has (ARM DDI 0403, DDI 0553), and how to reach a register. */
#ifndef ET_CORTEX_M_CORE_H
#define ET_CORTEX_M_CORE_H

#include <stdint.h>

#define ET_REG(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define ET_NVIC_ISER(irq) ET_REG(0xE000E100u + 4u * ((irq) / 32u))
#define ET_SCB_AIRCR ET_REG(0xE000ED0Cu)
#define ET_SCB_CFSR ET_REG(0xE000ED28u) /* 0 on ARMv6-M, which has none */
#define ET_DEMCR ET_REG(0xE000EDFCu)

#define ET_AIRCR_KEY_RESET 0x05FA0004u /* VECTKEY | SYSRESETREQ */

static inline void et_irq_enable(uint32_t irq)
{
    ET_NVIC_ISER(irq) = 1u << (irq % 32u);
}

/* The family's receive interrupt handler: the vector table holds it at ET_UART_IRQ. */
void et_uart_irq(void);

#endif
