/* Sizes of the echo learner; a test may override them with -D. */
#ifndef ET_INPUT_BYTES
#define ET_INPUT_BYTES 16u
#endif
#ifndef ET_RX_RING
#define ET_RX_RING 256u
#endif
#ifndef ET_REPLY_MAX
#define ET_REPLY_MAX 64u
#endif
#define ET_TARGET_BYTES 4u
#define ET_OUTPUT_BYTES 10u
#define ET_FRAME_MAX (ET_INPUT_BYTES < 48u ? 64u : ET_INPUT_BYTES + 16u)
