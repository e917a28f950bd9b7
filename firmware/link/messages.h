/* Message numbers of the link protocol, version 2.  See docs/protocol.md. */
#ifndef ET_MESSAGES_H
#define ET_MESSAGES_H

#define ET_PROTOCOL_VERSION 2u

/* Bytes of the receive ring that the host leaves free for POLL and HELLO. */
#define ET_RX_RESERVE 128u

enum {
    ET_HELLO = 0x01,
    ET_START = 0x02,
    ET_TRAIN = 0x03,
    ET_INFER = 0x04,
    ET_DIGEST = 0x05,
    ET_READ = 0x06,
    ET_WRITE = 0x07,
    ET_WRITE_END = 0x08,
    ET_STATS = 0x09,
    ET_PROFILE_READ = 0x0A,
    ET_RESET = 0x0B,
    ET_STORE_STATUS = 0x0C,
    ET_COMMIT = 0x0D,
    ET_CONFIRM = 0x0E,
    ET_ROLLBACK = 0x0F,
    ET_POLL = 0x10,
    ET_BAUD = 0x11,
    ET_REPLY = 0x80, /* added to the request's number */
    ET_ERROR = 0xC0,
    ET_NAK = 0xC1,
    ET_TAKEN = 0xC2,
    ET_LOG = 0xC3,
    ET_PANIC = 0xC4
};

enum { ET_NAK_BAD_FRAME = 1, ET_NAK_SEQUENCE = 2, ET_NAK_SESSION = 3 };

enum {
    ET_ERROR_TYPE = 1,   /* no such request in this firmware, no such rate of its UART */
    ET_ERROR_LENGTH = 2, /* payload has the wrong size */
    ET_ERROR_TARGET = 3, /* no target of the model's loss */
    ET_ERROR_RANGE = 4,  /* offset or count outside the block */
    ET_ERROR_STATE = 5,  /* a WRITE of the state was begun and not ended */
    ET_ERROR_CRC = 6,    /* the state written is not the state meant */
    ET_ERROR_FLASH = 7,  /* the board's flash failed, or has no room for the state */
    ET_ERROR_TRIAL = 8,  /* no trial runs that could be confirmed or given up */
    ET_ERROR_SOON = 9,   /* too few steps since the last commit */
    ET_ERROR_WORSE = 10  /* the confirmed state has the higher score */
};

#endif
