/* Received bytes between the UART's interrupt (the only writer) and the server (the only reader).
 * */
#ifndef ET_RX_RING_H
#define ET_RX_RING_H

#include <stdint.h>

void et_rx_byte(uint8_t byte); /* called by the port's RX interrupt */
int32_t et_rx_take(void);      /* next byte, or -1 */
int et_rx_empty(void);
uint32_t et_rx_overruns(void); /* bytes dropped because the ring was full */

#endif
