/* The UART with EasyDMA of the nRF52840 (PS v1.7, 6.34): 8 data bits, no parity, 1 stop bit.
 *
 * A byte is one transfer: each ENDRX interrupt takes a byte out of RAM and starts the next
 * transfer. Meanwhile the receiver's own FIFO collects what comes, so that an interrupt may be
 * late by several bytes. With the shortcut from ENDRX to STARTRX it might be late by one only:
 * a second byte would be lost without a trace. */
#include "board.h"
#include "../cortex_m/core.h"
#include "../cortex_m/parts.h"
#include "../port.h"

#include <string.h>

#define TASKS_STARTRX ET_REG(ET_UART_BASE + 0x000u)
#define TASKS_STOPRX ET_REG(ET_UART_BASE + 0x004u)
#define TASKS_STARTTX ET_REG(ET_UART_BASE + 0x008u)
#define EVENTS_ENDRX ET_REG(ET_UART_BASE + 0x110u)
#define EVENTS_ENDTX ET_REG(ET_UART_BASE + 0x120u)
#define EVENTS_ERROR ET_REG(ET_UART_BASE + 0x124u)
#define RXTO_ADDRESS (ET_UART_BASE + 0x144u)
#define EVENTS_RXTO ET_REG(RXTO_ADDRESS)
#define UARTE_INTENSET ET_REG(ET_UART_BASE + 0x304u)
#define UARTE_INTENCLR ET_REG(ET_UART_BASE + 0x308u)
#define UARTE_ERRORSRC ET_REG(ET_UART_BASE + 0x480u)
#define UARTE_ENABLE ET_REG(ET_UART_BASE + 0x500u)
#define UARTE_PSEL_TXD ET_REG(ET_UART_BASE + 0x50Cu)
#define UARTE_PSEL_RXD ET_REG(ET_UART_BASE + 0x514u)
#define UARTE_BAUDRATE ET_REG(ET_UART_BASE + 0x524u)
#define UARTE_RXD_PTR ET_REG(ET_UART_BASE + 0x534u)
#define UARTE_RXD_MAXCNT ET_REG(ET_UART_BASE + 0x538u)
#define UARTE_TXD_PTR ET_REG(ET_UART_BASE + 0x544u)
#define UARTE_TXD_MAXCNT ET_REG(ET_UART_BASE + 0x548u)
#define UARTE_CONFIG ET_REG(ET_UART_BASE + 0x56Cu)

#define INT_ENDRX (1u << 4)
#define INT_ERROR (1u << 9)
#define ENABLE_UARTE 8u
#define ERRORS 0xFu      /* overrun, parity, framing, break: cleared by writing ones */
#define NO_STOP_BIT 0xCu /* of them framing and break */

#define GPIO_OUTSET ET_REG(ET_UART_GPIO_BASE + 0x508u)
#define GPIO_DIRSET ET_REG(ET_UART_GPIO_BASE + 0x518u)
#define GPIO_PIN_CNF(pin) ET_REG(ET_UART_GPIO_BASE + 0x700u + 4u * (pin))
#define PIN_CNF_INPUT_PULL_UP (3u << 2)

/* The register takes the values of a table (PS 6.34.9, BAUDRATE), each within 0.8 % of its name. */
#define BAUDRATE(baud)                                                                            \
    ((baud) == 115200u    ? 0x01D60000u                                                           \
     : (baud) == 230400u  ? 0x03B00000u                                                           \
     : (baud) == 460800u  ? 0x07400000u                                                           \
     : (baud) == 1000000u ? 0x10000000u                                                           \
                          : 0u)
#if BAUDRATE(ET_UART_BAUD) == 0
#error "uart.baud of this board must be 115200, 230400, 460800 or 1000000"
#endif

#define CHUNK 16u /* a pause of a microsecond after 1.4 ms */

/* EasyDMA reaches RAM only, and what is sent may lie in flash. */
static uint8_t outgoing[CHUNK];
static volatile uint8_t incoming;
static volatile uint32_t sending;

/* An idle line is high before the UARTE takes the pin over (PS 6.34.7). The pull-up keeps an
 * unplugged receiver quiet. */
static void pins_start(void)
{
    GPIO_OUTSET = 1u << ET_UART_TX_PIN;
    GPIO_DIRSET = 1u << ET_UART_TX_PIN;
    GPIO_PIN_CNF(ET_UART_RX_PIN) = PIN_CNF_INPUT_PULL_UP;
    UARTE_PSEL_TXD = ET_UART_TX_PIN;
    UARTE_PSEL_RXD = ET_UART_RX_PIN;
}

static void run(uint32_t baudrate)
{
    UARTE_ENABLE = 0u;
    UARTE_BAUDRATE = baudrate ? baudrate : BAUDRATE(ET_UART_BAUD);
    UARTE_ENABLE = ENABLE_UARTE;
    EVENTS_ENDRX = 0u;
    TASKS_STARTRX = 1u;
    UARTE_INTENSET = INT_ENDRX | INT_ERROR;
}

void et_uart_start(uint32_t uart_hz)
{
    (void)uart_hz;
    pins_start();
    UARTE_CONFIG = 0u;
    UARTE_RXD_PTR = (uint32_t)(uintptr_t)&incoming;
    UARTE_RXD_MAXCNT = 1u;
    run(0);
    et_irq_enable(ET_UART_IRQ);
}

uint32_t port_baud(uint32_t baud)
{
    return baud >= ET_UART_BAUD ? BAUDRATE(baud) : 0u;
}

/* What is sent has left when port_tx() returns. The receiver has stopped when RXTO comes, some
 * bytes' time later; the transfer that it ended holds no byte. */
void port_baud_set(uint32_t setting)
{
    UARTE_INTENCLR = INT_ENDRX | INT_ERROR;
    EVENTS_RXTO = 0u;
    TASKS_STOPRX = 1u;
    (void)et_wait_for(RXTO_ADDRESS, 1u, 1u);
    run(setting);
}

/* A fault may call port_tx() in the middle of another one: its bytes go out first. */
static void wait_until_sent(void)
{
    while (sending && !EVENTS_ENDTX) {
    }
    sending = 0u;
}

static void send(const uint8_t *bytes, uint32_t count)
{
    wait_until_sent();
    memcpy(outgoing, bytes, count);
    UARTE_TXD_PTR = (uint32_t)(uintptr_t)outgoing;
    UARTE_TXD_MAXCNT = count;
    EVENTS_ENDTX = 0u;
    sending = 1u;
    __asm volatile("dsb" ::: "memory"); /* the DMA reads what the core has written */
    TASKS_STARTTX = 1u;
    wait_until_sent();
}

void port_tx(const uint8_t *bytes, uint32_t count)
{
    while (count) {
        uint32_t part = count < CHUNK ? count : CHUNK;
        send(bytes, part);
        bytes += part;
        count -= part;
    }
}

/* An error does not stop reception, and a byte without a stop bit is not stored (PS 6.34.5). It
 * counts as the zero that other UARTs make of it: so a line of another rate is noticed. */
static void errors_clear(void)
{
    if (EVENTS_ERROR) {
        EVENTS_ERROR = 0u;
        if (UARTE_ERRORSRC & NO_STOP_BIT) {
            et_rx_byte(0);
        }
        UARTE_ERRORSRC = ERRORS;
    }
}

/* ENDRX is cleared before STARTRX: a byte out of the FIFO sets it again at once. Reading it back
 * waits until the clearing has arrived, else the interrupt would come once more. */
void et_uart_irq(void)
{
    errors_clear();
    while (EVENTS_ENDRX) {
        EVENTS_ENDRX = 0u;
        (void)EVENTS_ENDRX;
        uint8_t byte = incoming;
        TASKS_STARTRX = 1u;
        et_rx_byte(byte);
    }
}
