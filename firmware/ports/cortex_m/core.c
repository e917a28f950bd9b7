/* Interrupt mask, sleep and reset: the same on every Cortex-M. */
#include "core.h"
#include "../port.h"

uint32_t port_lock(void)
{
    uint32_t state;
    __asm volatile("mrs %0, primask\n cpsid i" : "=r"(state)::"memory");
    return state;
}

void port_unlock(uint32_t state)
{
    __asm volatile("msr primask, %0" ::"r"(state) : "memory");
}

/* WFI ends when an interrupt becomes pending, masked or not: so nothing is missed. */
void port_sleep(void)
{
    __asm volatile("dsb\n wfi" ::: "memory");
}

void port_reset(void)
{
    __asm volatile("dsb" ::: "memory");
    ET_SCB_AIRCR = ET_AIRCR_KEY_RESET;
    __asm volatile("dsb" ::: "memory");
    for (;;) {
    }
}
