/* What firmware asks of a chip. The folders beside this file answer it, host/ for the PC. */
#ifndef ET_PORT_H
#define ET_PORT_H

#include <stdint.h>

/* Clocks, UART with receive interrupt, tick counter. Every wait for a clock is bounded; where a
 * clock does not start the chip stays on the one it had after reset and the baud rate follows. */
void port_start(void);

/* Send `count` bytes; returns when the last one is with the UART. */
void port_tx(const uint8_t *bytes, uint32_t count);

/* What port_baud_set() takes for `baud` bits per second, from the board's own rate up; 0 where the
 * UART, at the clock that it has, comes no nearer than 1.6 % to it. */
uint32_t port_baud(uint32_t baud);

/* Changes the rate once all that was sent is out; 0: to that of port_start(). Bytes that come
 * meanwhile may be lost. */
void port_baud_set(uint32_t setting);

/* Free-running counter that wraps at 2^32, and its rate. Both are 0 where there is none. */
uint32_t port_ticks(void);
uint32_t port_tick_hz(void);

/* Mask interrupts and return what port_unlock() needs to restore the state before. */
uint32_t port_lock(void);
void port_unlock(uint32_t state);

/* Sleep until an interrupt is pending. Call it between port_lock() and port_unlock(), after a
 * look at the receive buffer: a byte that comes between look and sleep ends the sleep, and its
 * interrupt runs at port_unlock(). Every wait for bytes must go through it, because the PC has no
 * interrupts and receives here. May return early. */
void port_sleep(void);

/* Restart the firmware as after power-up. */
void port_reset(void) __attribute__((noreturn));

/* Size of the stack region and the most of it that was ever used, bytes; 0 and 0 on the PC. */
void port_stack(uint32_t *size, uint32_t *used);

/* Called by the port, supplied by the link. ------------------------------------------------- */

/* A byte came, in interrupt context. */
void et_rx_byte(uint8_t byte);

/* The core faulted: exception number and the address of the instruction (0 = unknown). Runs with
 * a fresh stack and may call port_tx(); the core stops when it returns. A port has a weak one
 * that does nothing. */
void et_panic(uint32_t exception, uint32_t address);

#endif
