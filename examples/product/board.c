#include "board.h"

#include <string.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define TIMER 0x40000000u
#define CONSOLE 0x40004000u /* UART 0 */
#define SENSOR 0x40005000u  /* UART 1 */
#define DATA 0x00u
#define STATE 0x04u
#define CONTROL 0x08u
#define CLEAR 0x0Cu
#define DIVIDER 0x10u
#define TX_FULL 1u
#define RX_FULL 2u
#define TX_AND_RX 3u
#define RX_INTERRUPT 8u
#define INTERRUPTS_ON 0xE000E100u
#define RESET_CONTROL 0xE000ED0Cu
#define SENSOR_MOST 64u
#define RING 64u

extern uint8_t data_load[], data_start[], data_end[], bss_start[], bss_end[], stack_top[];
extern uint8_t flash_memory[]; /* by the linker script: no startup clears it */

static volatile uint8_t ring[RING];
static volatile uint32_t ring_in, ring_out;
static uint8_t counts[SENSOR_MOST] __attribute__((aligned(4)));
static volatile uint32_t counts_in;

int main(void);

static void stop(void)
{
    for (;;) {
    }
}

static void reset(void)
{
    memcpy(data_start, data_load, (size_t)(data_end - data_start));
    memset(bss_start, 0, (size_t)(bss_end - bss_start));
    main();
    stop();
}

static void on_console(void)
{
    while (REGISTER(CONSOLE + STATE) & RX_FULL) {
        uint8_t byte = (uint8_t)REGISTER(CONSOLE + DATA);
        if (ring_in - ring_out < RING) {
            ring[ring_in % RING] = byte;
            ring_in = ring_in + 1u;
        }
    }
    REGISTER(CONSOLE + CLEAR) = RX_FULL;
}

/* Where nobody took the counts yet the interrupt stays off, and the next byte waits. */
static void on_sensor(void)
{
    REGISTER(SENSOR + CLEAR) = RX_FULL;
    while (counts_in < SENSOR_MOST && (REGISTER(SENSOR + STATE) & RX_FULL)) {
        counts[counts_in] = (uint8_t)REGISTER(SENSOR + DATA);
        counts_in = counts_in + 1u;
    }
    if (counts_in == SENSOR_MOST) {
        REGISTER(SENSOR + CONTROL) = TX_AND_RX;
    }
}

typedef union {
    const uint8_t *stack;
    void (*function)(void);
} vector;

__attribute__((section(".vectors"), used)) static const vector vectors[16 + 3] = {
    {.stack = stack_top},
    {.function = reset},
    {.function = stop},
    {.function = stop},
    [11] = {.function = stop},
    [14] = {.function = stop},
    [15] = {.function = stop},
    [16] = {.function = on_console},
    [18] = {.function = on_sensor},
};

void board_start(void)
{
    REGISTER(TIMER + 8u) = 0xFFFFFFFFu; /* reload */
    REGISTER(TIMER + 4u) = 0xFFFFFFFFu;
    REGISTER(TIMER) = 1;
    REGISTER(CONSOLE + DIVIDER) = REGISTER(SENSOR + DIVIDER) = 217;
    REGISTER(CONSOLE + CONTROL) = REGISTER(SENSOR + CONTROL) = TX_AND_RX | RX_INTERRUPT;
    REGISTER(INTERRUPTS_ON) = (1u << 0) | (1u << 2);
    __asm volatile("cpsie i" ::: "memory");
}

uint32_t board_ticks(void)
{
    return ~REGISTER(TIMER + 4u); /* it counts down */
}

void board_reset(void)
{
    REGISTER(RESET_CONTROL) = 0x05FA0004u;
    for (;;) {
    }
}

void console_text(const char *text)
{
    for (; *text; text++) {
        while (REGISTER(CONSOLE + STATE) & TX_FULL) {
        }
        REGISTER(CONSOLE + DATA) = (uint8_t)*text;
    }
}

void console_number(uint32_t value)
{
    char text[12] = {0};
    char *at = text + sizeof text - 1;
    do {
        *--at = (char)('0' + value % 10u);
        value /= 10u;
    } while (value);
    *--at = ' ';
    console_text(at);
}

int32_t console_byte(void)
{
    if (ring_in == ring_out) {
        return -1;
    }
    uint8_t byte = ring[ring_out % RING];
    ring_out = ring_out + 1u;
    return byte;
}

int sensor_is_full(uint32_t count)
{
    return counts_in >= count;
}

const uint8_t *sensor_counts(void)
{
    return counts;
}

void sensor_next(void)
{
    counts_in = 0;
    REGISTER(SENSOR + CONTROL) = TX_AND_RX | RX_INTERRUPT;
    on_sensor();
}

int32_t flash_read(uint32_t offset, void *bytes, uint32_t count)
{
    memcpy(bytes, flash_memory + offset, count);
    return 0;
}

int32_t flash_program(uint32_t offset, const void *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        flash_memory[offset + i] &= ((const uint8_t *)bytes)[i];
    }
    return 0;
}

int32_t flash_erase(uint32_t offset)
{
    memset(flash_memory + offset, 0xFF, FLASH_SECTOR);
    return 0;
}
