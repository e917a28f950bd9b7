/* From reset to main(): the vector table, the memory a C program expects, and faults. */
#include "board.h"
#include "core.h"
#include "../port.h"

#include <string.h>

#define CFSR_NO_FRAME ((1u << 4) | (1u << 12) | (1u << 20)) /* MSTKERR, STKERR, STKOF */

#define PAINT_TEXT "0xE7E7E7E7"
#define PAINT 0xE7E7E7E7u

extern uint32_t et_stack_bottom[], et_stack_top[];
extern uint8_t et_data_load[], et_data_start[], et_data_end[], et_bss_start[], et_bss_end[];

int main(void);

/* The first thing that runs. Assembly, because it paints the stack it would otherwise use, and
 * because the compiler may use vector registers for any C before they are switched on. */
__attribute__((naked, noreturn)) void et_reset(void)
{
    __asm volatile(".syntax unified         \n"
                   "cpsid i                 \n"
                   "ldr r0, =et_stack_bottom\n"
                   "ldr r1, =et_stack_top   \n"
                   "msr msp, r1             \n"
                   "ldr r2, =" PAINT_TEXT "\n"
                   "1: str r2, [r0]         \n"
                   "adds r0, #4             \n"
                   "cmp r0, r1              \n"
                   "blo 1b                  \n"
#if __ARM_ARCH >= 8
                   "ldr r0, =et_stack_bottom\n"
                   "msr msplim, r0          \n"
#endif
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
                   "ldr r0, =0xE000ED88     \n" /* CPACR: full access to CP10 and CP11 */
                   "ldr r1, [r0]            \n"
                   "ldr r2, =0x00F00000     \n"
                   "orrs r1, r2             \n"
                   "str r1, [r0]            \n"
                   "dsb                     \n"
                   "isb                     \n"
#endif
                   "ldr r0, =et_start_c     \n"
                   "bx r0                   \n"
                   ".ltorg                  \n");
}

__attribute__((noreturn, used)) static void et_start_c(void)
{
    memcpy(et_data_start, et_data_load, (size_t)(et_data_end - et_data_start));
    memset(et_bss_start, 0, (size_t)(et_bss_end - et_bss_start));
    __asm volatile("cpsie i" ::: "memory");
    main();
    port_reset(); /* main() never returns; if it does, start again */
}

__attribute__((weak)) void et_panic(uint32_t exception, uint32_t address)
{
    (void)exception;
    (void)address;
}

__attribute__((noreturn, used)) static void et_fault_c(const uint32_t *frame)
{
    uint32_t exception;
    __asm volatile("mrs %0, ipsr" : "=r"(exception));
    /* After a stack overflow there is no frame: then the address is unknown. */
    int known =
        frame >= et_stack_bottom && frame + 8 <= et_stack_top && !(ET_SCB_CFSR & CFSR_NO_FRAME);
    et_panic(exception & 0x1FFu, known ? frame[6] : 0u);
    for (;;) {
        port_lock();
        port_sleep();
    }
}

/* Every exception that nobody handles. The message must get out even after a stack overflow, so
 * the stack starts afresh. */
__attribute__((naked)) void et_fault(void)
{
    __asm volatile(".syntax unified         \n"
                   "mrs r0, msp             \n"
                   "ldr r1, =et_stack_top   \n"
                   "msr msp, r1             \n"
                   "ldr r2, =et_fault_c     \n"
                   "bx r2                   \n"
                   ".ltorg                  \n");
}

/* A flash driver has its own where the memory's error code tells by it. */
__attribute__((weak, alias("et_fault"))) void et_nmi(void);

typedef void (*et_vector)(void);

__attribute__((section(".vectors"), used)) const et_vector et_vectors[16 + ET_UART_IRQ + 1] = {
    (et_vector)(uintptr_t)et_stack_top,
    et_reset,
    [2] = et_nmi,
    [3 ... 15 + ET_UART_IRQ] = et_fault,
    [16 + ET_UART_IRQ] = et_uart_irq,
};

void port_stack(uint32_t *size, uint32_t *used)
{
    const uint32_t *word = et_stack_bottom;
    while (word < et_stack_top && *word == PAINT) {
        word++;
    }
    *size = (uint32_t)(et_stack_top - et_stack_bottom) * 4u;
    *used = (uint32_t)(et_stack_top - word) * 4u;
}
