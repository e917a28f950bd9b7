/* A stand-in for a core's Arduino.h, not one: what the sketches of a library name, and no more. */
#ifndef ARDUINO_STAND_IN_H
#define ARDUINO_STAND_IN_H

#include <stdint.h>

#define A0 14

struct StandInSerial {
    void begin(unsigned long baud);
    int read();
    void println(int value);
};
extern StandInSerial Serial;

int analogRead(uint8_t pin);
void delay(unsigned long milliseconds);
void setup();
void loop();

#endif
