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

/* Looks at a register before a wait is given up: at least 40 ms at 16 MHz, where a crystal needs
 * some milliseconds and a PLL less than one. */
#define ET_PATIENCE 200000u

static inline void et_irq_enable(uint32_t irq)
{
    ET_NVIC_ISER(irq) = 1u << (irq % 32u);
}

/* Whether the bits of `mask` come to read as `value`. */
static inline int et_wait_for(uint32_t address, uint32_t mask, uint32_t value)
{
    for (uint32_t i = 0; i < ET_PATIENCE; i++) {
        if ((ET_REG(address) & mask) == value) {
            return 1;
        }
    }
    return 0;
}

/* Whether a counter that was started at 0 counts. Looked at more than once: emulators may hold the
 * time still up to the next branch. */
static inline int et_counts(uint32_t address)
{
    for (uint32_t i = 0; i < 8u; i++) {
        if (ET_REG(address) != 0u) {
            return 1;
        }
    }
    return 0;
}

/* Replace the bits of `mask` by those of `value`. */
static inline void et_set_bits(uint32_t address, uint32_t mask, uint32_t value)
{
    ET_REG(address) = (ET_REG(address) & ~mask) | value;
}

/* A peripheral needs some cycles after its clock is switched on, before it may be touched
 * (STM32F4: errata ES0182): reading the bit back takes them. */
static inline void et_bus_clock_on(uint32_t address, uint32_t mask)
{
    ET_REG(address) |= mask;
    (void)ET_REG(address);
}

/* Exceptions that nobody handles end here. */
void et_fault(void);

/* The family's receive interrupt handler: the vector table holds it at ET_UART_IRQ. */
void et_uart_irq(void);

#endif
