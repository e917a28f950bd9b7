/* The smallest program on a port, for tests. Bytes come back as they are; after a 0x1B comes a
 * command: 'h' hello, 't' ticks, 'c' ticks of a loop, 's' stack, 'f' fault, 'o' overflow the
 * stack, 'r' reset, 0x1B itself. Answers are little-endian words; 'h' answers "echo" and a counter
 * in .bss. */
#include "board.h"
#include "firmware/ports/port.h"

#define RING 256u

static volatile uint8_t ring[RING];
static volatile uint32_t head, tail;
static uint32_t hellos;
static uint32_t marker = 0x6F686365u; /* "echo", copied to RAM by the startup code */

#ifdef ECHO_BALLAST
uint8_t ballast[ECHO_BALLAST];
#endif

void et_rx_byte(uint8_t byte)
{
    ring[head % RING] = byte;
    head++;
}

static uint8_t receive(void)
{
    uint32_t state = port_lock();
    while (tail == head) {
        port_sleep();
        port_unlock(state);
        state = port_lock();
    }
    port_unlock(state);
    uint8_t byte = ring[tail % RING];
    tail++;
    return byte;
}

static void send_word(uint32_t word)
{
    uint8_t bytes[4] = {(uint8_t)word, (uint8_t)(word >> 8), (uint8_t)(word >> 16),
                        (uint8_t)(word >> 24)};
    port_tx(bytes, 4);
}

void et_panic(uint32_t exception, uint32_t address)
{
    port_tx((const uint8_t *)"PANIC", 5);
    send_word(exception);
    send_word(address);
}

/* Ticks of a loop of one instruction and its counting. */
__attribute__((noinline)) static uint32_t loop_ticks(uint32_t count)
{
    uint32_t start = port_ticks();
    for (uint32_t i = count; i > 0; i--) {
        __asm volatile("nop");
    }
    return port_ticks() - start;
}

static void send_stack(void)
{
    uint32_t size, used;
    port_stack(&size, &used);
    send_word(size);
    send_word(used);
}

__attribute__((noinline)) static uint32_t overflow(volatile uint8_t *last)
{
    volatile uint8_t block[64];
    for (uint32_t i = 0; i < sizeof block; i++) {
        block[i] = *last;
    }
    return overflow(block) + block[0];
}

static void command(uint8_t byte)
{
    switch (byte) {
    case 'h':
        send_word(marker);
        send_word(++hellos);
        break;
    case 't':
        send_word(port_ticks());
        send_word(port_tick_hz());
        break;
    case 'c':
        send_word(loop_ticks(1000));
        send_word(loop_ticks(2000));
        break;
    case 's':
        send_stack();
        break;
    case 'f':
        __asm volatile(".short 0xDEFE"); /* permanently undefined on Cortex-M */
        break;
    case 'o':
        send_word(overflow(&byte));
        break;
    case 'r':
        port_reset();
    default:
        port_tx(&byte, 1);
    }
}

int main(void)
{
    port_start();
#ifdef ECHO_BALLAST
    ballast[port_ticks() % ECHO_BALLAST] = 1;
#endif
    for (;;) {
        uint8_t byte = receive();
        if (byte == 0x1B) {
            command(receive());
        } else {
            port_tx(&byte, 1);
        }
    }
}
