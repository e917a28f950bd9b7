/* Sizes of the echo learner; a test may override them with -D. */
#ifndef ET_INPUT_BYTES
#define ET_INPUT_BYTES 16
#endif
#ifndef ET_RX_RING
#define ET_RX_RING 256
#endif
#ifndef ET_REPLY_MAX
#define ET_REPLY_MAX 64
#endif
#define ET_OUTPUT_BYTES 10
#define ET_FRAME_MAX (ET_INPUT_BYTES < 48 ? 64 : ET_INPUT_BYTES + 16)
