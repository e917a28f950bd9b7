/* Requests of a hostile host: firmware with a small model, its link and its store in one process.
 *
 *     fuzz COUNT SEED
 *
 * Lives of a device, each request of them as it should be or with sizes, offsets, numbers and
 * states at and beyond every boundary, nearly all in frames with a right CRC.  The program ends
 * with status 1 where a rule of the protocol is broken; the sanitizers end it where memory or
 * arithmetic is. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "flash.h"
#include "frames.h"
#include "keeping.h"
#include "messages.h"
#include "model.h"
#include "model_config.h"
#include "port.h"
#include "server.h"

#define SESSION 7u
#define FLASH_BYTES (ET_STORE_SECTOR * ET_STORE_SECTORS)
#define LARGEST (ET_FRAME_MAX + 64u) /* of a frame that is sent */
#define DEMAND(what)                                                                              \
    if (!(what)) {                                                                                \
        printf("request %lu: not %s\n", number, #what);                                           \
        exit(1);                                                                                  \
    }

/* A letter a request: h HELLO, s START, t TRAIN, i INFER, d DIGEST, r READ, w the state written
 * whole, W a WRITE, e WRITE_END, a STATS, p PROFILE, x RESET, S STORE_STATUS, c COMMIT, f CONFIRM,
 * b ROLLBACK, o POLL, ? any type.  What is not known by heart is drawn. */
static const char *const corpus[] = {
    "hstttttd", "hsiirrd",  "hswttid",  "hWWWe", "hwtW",      "hstcfx",   "hstcxt",
    "hstcxxbd", "hstcfcfS", "hwtcfxtd", "hoooo", "htiopd",    "hWtidrcb", "hWse",
    "hwtthtto", "h?????",   "apa",      "hWxt",  "htctctctc", "hstcbbff",
};
static const char letters[] = "hsttttiidrwWWeapxScfbo?";

static uint8_t frame[LARGEST + ET_OVERHEAD_BYTES], answer[ET_REPLY_MAX], flash[FLASH_BYTES];
static et_decoder decoder = {.frame = answer, .capacity = sizeof answer};
static uint32_t random_state, answers, failing;
static uint16_t seq = 1;
static unsigned long number, outcomes[4]; /* replies, refusals, NAKs, bad pieces */
static jmp_buf start;

static uint32_t chance(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return (uint32_t)((uint64_t)random_state * below >> 32);
}

static uint32_t word(void)
{
    const uint32_t size = et_model.state_bytes;
    const uint32_t edges[] = {0,           1,           2,          63,          64,
                              0xFFFF,      0x7F7F7F7F,  0x7FFFFFFF, 0x80000000u, 0x80000001u,
                              0xFFFFFFFEu, 0xFFFFFFFFu, size - 1,   size,        size + 1};
    return chance(2) ? edges[chance(sizeof edges / sizeof edges[0])]
                     : chance(65536) << 16 | chance(65536);
}

/* -- the port --------------------------------------------------------------------------------- */

static void heard(int32_t length)
{
    et_header header = et_header_of(answer);
    DEMAND(length != ET_FRAME_BAD); /* whatever is answered is a whole frame */
    answers++;
    if (header.type == ET_NAK) {
        outcomes[et_get16(answer + ET_HEADER_BYTES) == ET_NAK_BAD_FRAME ? 3 : 2]++;
        seq = et_get16(answer + ET_HEADER_BYTES + 2);
    } else if (header.type == (ET_HELLO | ET_REPLY) || header.type == (ET_POLL | ET_REPLY)) {
        seq = et_get16(answer + ET_HEADER_BYTES + 2);
    } else if (header.type == ET_ERROR || (header.type & ~0x1Fu) == ET_REPLY) {
        outcomes[header.type == ET_ERROR]++;
        seq += header.seq == seq;
    }
}

void port_tx(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        int32_t length = et_decode(&decoder, bytes[i]);
        if (length != ET_FRAME_NONE) {
            heard(length);
        }
    }
}

void port_reset(void)
{
    longjmp(start, 1);
}

uint32_t port_baud(uint32_t baud)
{
    return baud;
}
void port_baud_set(uint32_t setting)
{
    (void)setting;
}

uint32_t port_ticks(void)
{
    return (uint32_t)number;
}
uint32_t port_tick_hz(void)
{
    return 1000u;
}

void port_stack(uint32_t *size, uint32_t *used)
{
    *size = *used = 0;
}

static int32_t outside(uint32_t address, uint32_t count, uint32_t multiple)
{
    uint32_t offset = address - ET_STORE_ORIGIN;
    DEMAND(offset <= FLASH_BYTES && count <= FLASH_BYTES - offset);
    DEMAND(offset % multiple == 0 && count % multiple == 0);
    return failing && chance(failing) == 0;
}

int32_t et_flash_read(uint32_t address, void *bytes, uint32_t count)
{
    if (outside(address, count, 1)) {
        return ET_FLASH_UNREADABLE;
    }
    memcpy(bytes, flash + (address - ET_STORE_ORIGIN), count);
    return ET_FLASH_OK;
}

int32_t et_flash_program(uint32_t address, const void *bytes, uint32_t count)
{
    if (outside(address, count, ET_FLASH_UNIT)) {
        return ET_FLASH_REFUSED;
    }
    for (uint32_t i = 0; i < count; i++) {
        DEMAND(flash[address - ET_STORE_ORIGIN + i] == 0xFF);
    }
    memcpy(flash + (address - ET_STORE_ORIGIN), bytes, count);
    return ET_FLASH_OK;
}

int32_t et_flash_erase(uint32_t address)
{
    if (outside(address, ET_STORE_SECTOR, ET_STORE_SECTOR)) {
        return ET_FLASH_BUSY;
    }
    memset(flash + (address - ET_STORE_ORIGIN), 0xFF, ET_STORE_SECTOR);
    return ET_FLASH_OK;
}

/* -- the host --------------------------------------------------------------------------------- */

static void to_device(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        et_rx_byte(bytes[i]);
    }
    et_server_run();
}

/* One request: mostly in session and in turn, one in 32 spoilt after its CRC. */
static void send(uint32_t type, uint32_t length)
{
    et_header header = {(uint8_t)type, 0, SESSION, seq, (uint16_t)length};
    if (chance(16) == 0) {
        header.session = (uint16_t)chance(3);
    }
    if (type == ET_HELLO) {
        header.session = (uint16_t)(chance(8) ? SESSION : chance(65536));
    } else if (chance(12) == 0) {
        header.seq = (uint16_t)(seq + chance(7) - 3u);
    }
    uint32_t total = et_seal(frame, &header);
    if (chance(32) == 0) {
        frame[chance(total)] ^= (uint8_t)(1u << chance(8));
        total -= chance(4) == 0;
    }
    number++;
    et_encode(frame, total, to_device);
}

/* The size that a request has, or one beside it, or any. */
static void ask(uint32_t type, uint32_t length)
{
    uint32_t others[] = {0,
                         1,
                         3,
                         4,
                         5,
                         length - 1,
                         length + 1,
                         chance(ET_FRAME_MAX),
                         ET_FRAME_MAX - ET_OVERHEAD_BYTES,
                         ET_FRAME_MAX - ET_OVERHEAD_BYTES + 1u};
    if (chance(16) == 0) {
        length = others[chance(sizeof others / sizeof others[0])];
    }
    send(type, length <= LARGEST - ET_OVERHEAD_BYTES ? length : 0);
}

static uint8_t *payload(void)
{
    return frame + ET_HEADER_BYTES;
}

static void fill(uint32_t count)
{
    for (uint32_t i = 0; i + 4 <= count; i += 4) {
        et_set32(payload() + i, word());
    }
}

static void write_part(uint32_t offset, uint32_t count, uint32_t harm)
{
    et_set32(payload(), offset);
    for (uint32_t i = 0; i < count; i++) {
        payload()[4 + i] = et_model_state()[offset + i];
    }
    for (uint32_t i = offset % 4; i + 4 <= count; i += 4) {
        if (harm && chance(harm) == 0) {
            et_set32(payload() + 4 + i, word());
        }
    }
    ask(ET_WRITE, 4 + count);
}

/* With a right CRC, whatever it holds. */
static void write_state(void)
{
    const uint32_t most = ET_FRAME_MAX - ET_OVERHEAD_BYTES - 4u, harms[] = {0, 1, 4, 30};
    uint32_t harm = harms[chance(4)];
    for (uint32_t at = 0; at < et_model.state_bytes; at += most) {
        uint32_t left = et_model.state_bytes - at;
        write_part(at, left < most ? left : most, harm);
    }
    et_set32(payload(), et_crc32(0, et_model_state(), et_model.state_bytes));
    ask(ET_WRITE_END, 4);
}

static void learn(uint32_t type)
{
    uint32_t target = type == ET_TRAIN ? ET_TARGET_BYTES : 0;
    fill(target + ET_INPUT_BYTES);
    if (target >= 2 && chance(8)) {
        memset(payload(), 0, target);
        et_set16(payload(), chance(ET_OUTPUT_BYTES));
    }
    ask(type, target + ET_INPUT_BYTES);
}

static void read_part(void)
{
    fill(8);
    if (chance(2)) {
        et_set32(payload(), chance(et_model.state_bytes + 2u));
        et_set32(payload() + 4, chance(ET_REPLY_MAX));
    }
    ask(ET_READ, 8);
}

static void any_write(void)
{
    fill(ET_FRAME_MAX - ET_OVERHEAD_BYTES);
    if (chance(3)) {
        et_set32(payload(), 0);
    }
    ask(ET_WRITE, chance(ET_FRAME_MAX - ET_OVERHEAD_BYTES + 1u));
}

static void hello(void)
{
    et_set32(payload(), chance(16) ? ET_PROTOCOL_VERSION : word());
    ask(ET_HELLO, 4);
}

static void other(uint32_t type, uint32_t length)
{
    fill(12);
    ask(type, length);
}

static void request(char letter)
{
    static const struct {
        char letter;
        uint8_t type, length;
    } plain[] = {{'s', ET_START, 8},        {'d', ET_DIGEST, 4},       {'e', ET_WRITE_END, 4},
                 {'a', ET_STATS, 0},        {'p', ET_PROFILE_READ, 4}, {'x', ET_RESET, 0},
                 {'c', ET_COMMIT, 8},       {'f', ET_CONFIRM, 4},      {'b', ET_ROLLBACK, 0},
                 {'S', ET_STORE_STATUS, 0}, {'o', ET_POLL, 4}};
    for (uint32_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (plain[i].letter == letter) {
            other(plain[i].type, plain[i].length);
        }
    }
    switch (letter) {
    case 'h':
        hello();
        break;
    case 't':
        learn(ET_TRAIN);
        break;
    case 'i':
        learn(ET_INFER);
        break;
    case 'r':
        read_part();
        break;
    case 'w':
        write_state();
        break;
    case 'W':
        any_write();
        break;
    case '?':
        other(chance(256), chance(16));
        break;
    default:
        break;
    }
}

/* A life of the corpus, some of its requests left out, changed or said again. */
static void live(const char *life)
{
    for (; *life != 0; life++) {
        if (chance(8)) {
            request(*life);
        } else if (chance(2)) {
            request(letters[chance(sizeof letters - 1u)]);
            life -= chance(2);
        }
    }
}

int main(int count, char **arguments)
{
    static unsigned long requests;
    requests = count > 1 ? strtoul(arguments[1], NULL, 0) : 100000u;
    random_state = count > 2 ? 2u * (uint32_t)strtoul(arguments[2], NULL, 0) + 1u : 1u;
    memset(flash, 0xFF, sizeof flash);
    if (setjmp(start) == 0) {
        et_keeping_start();
    }
    while (number < requests) {
        et_keeping_start();
        failing = chance(8) ? 0 : 1 + chance(40);
        live(corpus[chance(sizeof corpus / sizeof corpus[0])]);
    }
    printf("%lu requests: replies %lu, refusals %lu, naks %lu, bad %lu\n", number, outcomes[0],
           outcomes[1], outcomes[2], outcomes[3]);
    DEMAND(answers > number / 2);
    return 0;
}
