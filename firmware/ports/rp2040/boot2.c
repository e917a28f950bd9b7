/* The RP2040's second boot stage (RP2040 datasheet 2.8.1.2 and 4.10): the first 256 bytes of the
 * flash. The boot ROM checks their CRC-32, copies them to RAM and runs them there; they switch the
 * flash to memory-mapped reads and go to the image behind them.
 *
 * Reads are the serial command 03h, which every flash chip knows, at a quarter of the core's clock:
 * 31 MHz at 125 MHz, where the board's W25Q16JV takes up to 50 MHz for it. The core's cache of
 * 16 KB hides most of the slowness.
 *
 * Written in assembly, because it must not depend on where it lies and because its bytes must not
 * change with the compiler: the CRC-32 in its last word is a constant. */
__asm(".pushsection .boot2, \"ax\", %progbits\n"
      ".syntax unified                       \n"
      ".thumb                                \n"
      ".balign 4                             \n"
      ".thumb_func                           \n"
      "et_boot2:                             \n"
      "ldr r0, 2f                            \n" /* SSI */
      "movs r1, #0                           \n"
      "str r1, [r0, #0x08]                   \n" /* SSIENR: off while it is changed */
      "movs r1, #4                           \n"
      "str r1, [r0, #0x14]                   \n" /* BAUDR: core clock / 4 */
      "ldr r1, 3f                            \n"
      "str r1, [r0, #0x00]                   \n" /* CTRLR0 */
      "movs r1, #0                           \n"
      "str r1, [r0, #0x04]                   \n" /* CTRLR1: one word a read */
      "ldr r1, 4f                            \n"
      "movs r2, #0xF4                        \n"
      "str r1, [r0, r2]                      \n" /* SPI_CTRLR0 */
      "movs r1, #1                           \n"
      "str r1, [r0, #0x08]                   \n" /* SSIENR: on */
      "ldr r0, 5f                            \n" /* the vector table behind this stage */
      "ldr r1, 6f                            \n"
      "str r0, [r1]                          \n" /* VTOR */
      "ldr r1, [r0]                          \n"
      "msr msp, r1                           \n"
      "ldr r0, [r0, #4]                      \n"
      "bx r0                                 \n"
      ".balign 4                             \n"
      "2: .word 0x18000000                   \n" /* XIP_SSI_BASE */
      "3: .word 0x001F0300                   \n" /* frames of 32 bits, serial, send then read */
      "4: .word 0x03000218                   \n" /* command 03h of 8 bits, address of 24 */
      "5: .word 0x10000100                   \n"
      "6: .word 0xE000ED08                   \n" /* SCB VTOR */
      ".space 252 - (. - et_boot2)           \n"
      ".word 0x07D15F18                      \n" /* CRC-32 of the 252 bytes before */
      ".popsection                           \n");
