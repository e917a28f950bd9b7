#include "frames.h"

/* The CRC over data followed by its own CRC is this constant. */
#define CRC_RESIDUE 0x2144DF1Cu

uint16_t et_get16(const uint8_t *at)
{
    return (uint16_t)(at[0] | (uint32_t)at[1] << 8);
}

uint32_t et_get32(const uint8_t *at)
{
    return et_get16(at) | (uint32_t)et_get16(at + 2) << 16;
}

void et_set16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

void et_set32(uint8_t *at, uint32_t value)
{
    et_set16(at, value);
    et_set16(at + 2, value >> 16);
}

uint32_t et_crc32(uint32_t crc, const uint8_t *bytes, uint32_t count)
{
    static const uint32_t nibble[16] = {
        0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u,
        0x4DB26158u, 0x5005713Cu, 0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu,
        0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu,
    };
    crc = ~crc;
    for (uint32_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ nibble[crc & 15u];
        crc = crc >> 4 ^ nibble[crc & 15u];
    }
    return ~crc;
}

static int32_t end_of_frame(et_decoder *d)
{
    uint32_t length = d->length;
    int whole = d->left == 0 && !d->overflow && length >= ET_OVERHEAD_BYTES;
    int empty = d->code == 0;
    d->length = 0;
    d->code = d->left = d->overflow = 0;
    if (empty) {
        return ET_FRAME_NONE;
    }
    if (!whole || et_crc32(0, d->frame, length) != CRC_RESIDUE ||
        et_get16(d->frame + 6) != length - ET_OVERHEAD_BYTES) {
        return ET_FRAME_BAD;
    }
    return (int32_t)length;
}

static void append(et_decoder *d, uint8_t byte)
{
    if (d->length < d->capacity) {
        d->frame[d->length++] = byte;
    } else {
        d->overflow = 1;
    }
}

int32_t et_decode(et_decoder *d, uint8_t byte)
{
    if (byte == 0) {
        return end_of_frame(d);
    }
    if (d->left > 0) {
        d->left--;
        append(d, byte);
        return ET_FRAME_NONE;
    }
    if (d->code != 0 && d->code != 0xFF) {
        append(d, 0);
    }
    d->code = byte;
    d->left = (uint8_t)(byte - 1u);
    return ET_FRAME_NONE;
}

et_header et_header_of(const uint8_t *frame)
{
    et_header header = {frame[0], frame[1], et_get16(frame + 2), et_get16(frame + 4),
                        et_get16(frame + 6)};
    return header;
}

uint32_t et_seal(uint8_t *frame, const et_header *header)
{
    uint32_t length = ET_HEADER_BYTES + header->length;
    frame[0] = header->type;
    frame[1] = header->flags;
    et_set16(frame + 2, header->session);
    et_set16(frame + 4, header->seq);
    et_set16(frame + 6, header->length);
    et_set32(frame + length, et_crc32(0, frame, length));
    return length + ET_CRC_BYTES;
}

/* Gathers bytes, since a port may pay for each call. */
typedef struct {
    et_put put;
    uint32_t count;
    uint8_t bytes[32];
} writer;

static void flush(writer *w)
{
    w->put(w->bytes, w->count);
    w->count = 0;
}

static void emit(writer *w, uint8_t byte)
{
    if (w->count == sizeof w->bytes) {
        flush(w);
    }
    w->bytes[w->count++] = byte;
}

void et_encode(const uint8_t *frame, uint32_t length, et_put put)
{
    const uint8_t *end = frame + length;
    writer w;
    int more = 1; /* a zero at the very end leaves an empty block to write */
    w.put = put;
    w.count = 0;
    emit(&w, 0);
    while (more) {
        uint8_t code = 1;
        while (frame + code - 1 < end && frame[code - 1] != 0 && code < 0xFF) {
            code++;
        }
        emit(&w, code);
        for (uint32_t i = 1; i < code; i++) {
            emit(&w, *frame++);
        }
        more = frame < end;
        if (more && code != 0xFF) {
            frame++; /* the zero, implied by the code */
        }
    }
    emit(&w, 0);
    flush(&w);
}
