/* What a chip brings to Arm's PL011. */
#ifndef ET_ARM_PL011_H
#define ET_ARM_PL011_H

/* Wake the UART and connect its pins. */
void et_uart_connect(void);

#endif
