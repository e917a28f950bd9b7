/* Keeps what the code under test hands on with et_rx_byte(). */
#include "port.h"

uint8_t et_recorded[256];
uint32_t et_recorded_count;

void et_rx_byte(uint8_t byte)
{
    if (et_recorded_count < sizeof et_recorded) {
        et_recorded[et_recorded_count++] = byte;
    }
}
