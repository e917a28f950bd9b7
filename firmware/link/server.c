#include "model_config.h"

#include "server.h"

#include <string.h>

#include "frames.h"
#include "messages.h"
#include "model.h"
#include "port.h"
#include "requests.h"
#include "rx_ring.h"

#define HELLO_BYTES 72u
#define TEXT_BYTES 64u
#define REPEATS 2u     /* replies kept, and so requests the host may have without an answer */
#define MOST_PIECES 8u /* without a frame among them, at a raised rate */

#if ET_FRAME_MAX < ET_TARGET_BYTES + ET_INPUT_BYTES + 12 || ET_FRAME_MAX < 64 ||                  \
    ET_FRAME_MAX > 65535
#error "ET_FRAME_MAX must hold a sample, its target and 12 bytes of framing"
#endif
#if ET_REPLY_MAX < ET_OUTPUT_BYTES + 16 || ET_REPLY_MAX < 64 || ET_REPLY_MAX > 65535
#error "ET_REPLY_MAX must hold the output and its 16 bytes of framing"
#endif
typedef char ring_holds_the_reserve_and_a_window[ET_RX_RING >= 2u * ET_RX_RESERVE ? 1 : -1];

/* The model trains on the sample where it lies, so the frame is word aligned. */
#ifdef ET_FRAME_AT
#define FRAME (et_model_arena + ET_FRAME_AT)
static uint8_t *const frame = FRAME;
#else
#define FRAME frame
static uint8_t frame[ET_FRAME_MAX] __attribute__((aligned(4)));
#endif
static et_decoder decoder = {.frame = FRAME, .capacity = ET_FRAME_MAX};

static struct {
    uint8_t frame[ET_REPLY_MAX];
    uint32_t length; /* 0: none */
} replies[REPEATS];

static uint16_t session, expected; /* session 0: none since the reset */
static uint8_t pieces_left;        /* 0: the line has the board's own rate */

/* Seals and sends a frame whose payload is in place; returns the frame's length. */
static uint32_t send(uint8_t *bytes, uint8_t type, uint16_t in_session, uint16_t seq,
                     uint32_t length)
{
    et_header header = {type, 0, in_session, seq, (uint16_t)length};
    uint32_t total = et_seal(bytes, &header);
    et_encode(bytes, total, port_tx);
    return total;
}

/* NAK, TAKEN and the answer to POLL: two 16-bit words. */
static void send_pair(uint8_t type, uint16_t seq, uint32_t first, uint32_t second)
{
    uint8_t bytes[ET_OVERHEAD_BYTES + 4u];
    et_set16(bytes + ET_HEADER_BYTES, first);
    et_set16(bytes + ET_HEADER_BYTES + 2, second);
    send(bytes, type, session, seq, 4);
}

static void send_text(uint8_t type, const char *text)
{
    uint8_t bytes[ET_OVERHEAD_BYTES + TEXT_BYTES];
    uint32_t length = 0;
    while (length < TEXT_BYTES && text[length] != 0) {
        bytes[ET_HEADER_BYTES + length] = (uint8_t)text[length];
        length++;
    }
    send(bytes, type, session, 0, length);
}

void et_log(const char *text)
{
    send_text(ET_LOG, text);
}

void et_panic(uint32_t exception, uint32_t address)
{
    uint8_t bytes[ET_OVERHEAD_BYTES + 8u];
    et_set32(bytes + ET_HEADER_BYTES, exception);
    et_set32(bytes + ET_HEADER_BYTES + 4, address);
    send(bytes, ET_PANIC, session, 0, 8);
    port_reset();
}

/* Apart, so that its buffer is not on the stack while the model trains. */
static __attribute__((noinline)) void send_hello(uint16_t in_session)
{
    uint8_t bytes[ET_OVERHEAD_BYTES + HELLO_BYTES];
    uint8_t *p = bytes + ET_HEADER_BYTES;
    et_set16(p, ET_PROTOCOL_VERSION);
    et_set16(p + 2, expected);
    et_set32(p + 4, et_model.build_id);
    et_set32(p + 8, et_model.model_hash);
    et_set32(p + 12, et_model.input_bytes);
    et_set32(p + 16, et_model.output_bytes);
    et_set32(p + 20, et_model.state_bytes);
    et_set32(p + 24, et_model.arena_bytes);
    et_set32(p + 28, port_tick_hz());
    et_set32(p + 32, ET_RX_RING - ET_RX_RESERVE);
    et_set16(p + 36, ET_FRAME_MAX);
    et_set16(p + 38, ET_REPLY_MAX);
    et_set16(p + 40, et_model.classes);
    et_set16(p + 42, et_model.trained_layers);
    et_set32(p + 44, et_model.target_bytes);
    memcpy(p + 48, et_model.board, 24);
    send(bytes, ET_HELLO | ET_REPLY, in_session, 0, HELLO_BYTES);
}

/* A repeated HELLO of the running session must not move the sequence. */
static void on_hello(const et_header *header)
{
    uint16_t version = header->length >= 2 ? et_get16(frame + ET_HEADER_BYTES) : 0;
    if (version == ET_PROTOCOL_VERSION && header->session != session) {
        session = header->session;
        expected = 1;
        replies[0].length = replies[1].length = 0;
    }
    send_hello(header->session);
}

/* Sends the kept reply to seq again; nothing where there is none. */
static int repeat(uint16_t seq)
{
    uint16_t age = (uint16_t)(expected - seq);
    uint32_t slot = seq % REPEATS;
    if (age < 1 || age > REPEATS || replies[slot].length == 0) {
        return 0;
    }
    et_encode(replies[slot].frame, replies[slot].length, port_tx);
    return 1;
}

/* Replies that the host lacks, then where the sequence stands. */
static void on_poll(const et_header *header)
{
    uint16_t tag = header->length >= 2 ? et_get16(frame + ET_HEADER_BYTES) : 0;
    for (uint16_t age = REPEATS; age > 0; age--) {
        uint16_t seq = (uint16_t)(expected - age);
        if ((uint16_t)(seq - header->seq) < REPEATS) {
            repeat(seq);
        }
    }
    send_pair(ET_POLL | ET_REPLY, header->seq, tag, expected);
}

/* What port_baud_set() is to take; 0: to be refused, as a request that there is not. */
static uint32_t asked_rate(const et_header *header)
{
    return header->length == 4u ? port_baud(et_get32(frame + ET_HEADER_BYTES)) : 0u;
}

static void execute(const et_header *header)
{
    uint32_t slot = header->seq % REPEATS;
    uint8_t *reply = replies[slot].frame, *payload = reply + ET_HEADER_BYTES;
    uint8_t type = header->type | ET_REPLY;
    if (header->type == ET_TRAIN || header->type == ET_INFER) {
        send_pair(ET_TAKEN, header->seq, 0, 0);
    }
    uint32_t rate = header->type == ET_BAUD ? asked_rate(header) : 0u;
    int32_t length =
        rate ? 0 : et_request(header->type, frame + ET_HEADER_BYTES, header->length, payload);
    if (length < 0) {
        type = ET_ERROR;
        et_set16(payload, (uint32_t)-length);
        et_set16(payload + 2, header->type);
        length = 4;
    }
    expected = (uint16_t)(header->seq + 1u);
    replies[slot].length = send(reply, type, session, header->seq, (uint32_t)length);
    if (type == (ET_RESET | ET_REPLY)) {
        port_reset();
    }
    if (rate) {
        port_baud_set(rate);
        pieces_left = MOST_PIECES;
    }
}

static void handle(const et_header *header)
{
    if (header->type == ET_HELLO) {
        on_hello(header);
    } else if (session == 0 || header->session != session) {
        send_pair(ET_NAK, header->seq, ET_NAK_SESSION, expected);
    } else if (header->type == ET_POLL) {
        on_poll(header);
    } else if (header->seq == expected) {
        execute(header);
    } else if (!repeat(header->seq)) {
        send_pair(ET_NAK, header->seq, ET_NAK_SEQUENCE, expected);
    }
}

static void on_bad_frame(void)
{
    et_bad_frames++;
    if (session != 0) {
        send_pair(ET_NAK, 0, ET_NAK_BAD_FRAME, expected);
    }
}

/* A host that sends at another rate is heard as pieces, empty ones too, that are no frames. */
static void on_piece(int is_frame)
{
    if (pieces_left != 0) {
        pieces_left = is_frame ? MOST_PIECES : (uint8_t)(pieces_left - 1u);
        if (pieces_left == 0) {
            port_baud_set(0);
        }
    }
}

void et_server_run(void)
{
    int32_t byte;
    while ((byte = et_rx_take()) >= 0) {
        int32_t length = et_decode(&decoder, (uint8_t)byte);
        if (byte == 0) {
            on_piece(length > 0);
        }
        if (length == ET_FRAME_BAD) {
            on_bad_frame();
        } else if (length != ET_FRAME_NONE) {
            et_header header = et_header_of(frame);
            handle(&header);
        }
    }
}
