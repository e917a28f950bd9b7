/* Frames on the wire: COBS between zero bytes, CRC-32 at the end.  See docs/protocol.md. */
#ifndef ET_FRAMES_H
#define ET_FRAMES_H

#include <stdint.h>

#define ET_HEADER_BYTES 8u
#define ET_CRC_BYTES 4u
#define ET_OVERHEAD_BYTES (ET_HEADER_BYTES + ET_CRC_BYTES)

/* Bytes on the wire of a frame of n bytes (header, payload, CRC), delimiters included. */
#define ET_WIRE_BYTES(n) ((n) + (n) / 254u + 3u)

typedef struct {
    uint8_t type, flags;
    uint16_t session, seq, length; /* length: of the payload */
} et_header;

/* The caller sets frame and capacity and zeroes the rest. */
typedef struct {
    uint8_t *frame;
    uint32_t capacity, length;
    uint8_t code, left; /* COBS: code of the running block, bytes missing from it */
    uint8_t overflow;
} et_decoder;

enum { ET_FRAME_NONE = 0, ET_FRAME_BAD = -1 };

/* Feeds one byte.  Returns the length of a frame that is now whole and intact (the next byte
   starts a new one in the same buffer), ET_FRAME_NONE, or ET_FRAME_BAD. */
int32_t et_decode(et_decoder *decoder, uint8_t byte);

/* Writes header and CRC around the payload that lies at frame + ET_HEADER_BYTES. Returns the
   frame's length; frame must hold header->length + ET_OVERHEAD_BYTES. */
uint32_t et_seal(uint8_t *frame, const et_header *header);
et_header et_header_of(const uint8_t *frame);

typedef void (*et_put)(const uint8_t *bytes, uint32_t count);
/* The frame as it travels, delimiters included, handed to put in pieces. */
void et_encode(const uint8_t *frame, uint32_t length, et_put put);

/* CRC-32 (IEEE 802.3, as zlib's); start with crc = 0. */
uint32_t et_crc32(uint32_t crc, const uint8_t *bytes, uint32_t count);

/* Little-endian fields at any alignment. */
uint16_t et_get16(const uint8_t *at);
uint32_t et_get32(const uint8_t *at);
void et_set16(uint8_t *at, uint32_t value);
void et_set32(uint8_t *at, uint32_t value);

#endif
