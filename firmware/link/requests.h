/* What each request does to the model, free of framing and sequence numbers. */
#ifndef ET_REQUESTS_H
#define ET_REQUESTS_H

#include <stdint.h>

/* Largest payload of a reply. */
#define ET_REPLY_PAYLOAD (ET_REPLY_MAX - ET_OVERHEAD_BYTES)

/* Executes a request; writes the reply's payload.  Returns its length, or a negative ET_ERROR_*.
   payload is 4-byte aligned. */
int32_t et_request(uint8_t type, const uint8_t *payload, uint32_t length, uint8_t *reply);

extern uint32_t et_bad_frames;

#endif
