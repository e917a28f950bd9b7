/* Where sliding windows meet a tensor, one axis at a time: worked out before an inner loop,
 * so that the loop itself checks no bounds. */
#ifndef ET_WINDOW_H
#define ET_WINDOW_H

#include <stdint.h>

#define ET_INLINE static inline __attribute__((always_inline))

typedef struct {
    int32_t from, to; /* from <= to */
} et_range;

static inline int32_t et_min(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static inline int32_t et_max(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/* The taps that lie inside an input of size in, for a window whose first tap lies at start. */
static inline et_range et_taps_inside(int32_t start, int32_t kernel, int32_t in)
{
    int32_t from = et_max(0, -start);
    et_range taps = {from, et_max(from, et_min(kernel, in - start))};
    return taps;
}

/* The outputs o whose input o * stride + offset lies inside 0 .. in - 1. */
static inline et_range et_outputs_inside(int32_t offset, int32_t stride, int32_t in, int32_t out)
{
    int32_t from = offset < 0 ? (stride - 1 - offset) / stride : 0;
    int32_t to = offset < in ? (in - 1 - offset) / stride + 1 : 0;
    et_range outputs = {from, et_max(from, et_min(out, to))};
    return outputs;
}

/* The windows that read one input: the first one's tap and output; the next one's lie
 * tap + stride and output - 1. */
typedef struct {
    int32_t tap, output, count;
} et_readers;

/* position: of the input, counted from the first padded one. */
static inline et_readers et_readers_of(int32_t position, int32_t kernel, int32_t stride,
                                       int32_t out)
{
    int32_t lowest = position - (out - 1) * stride;
    int32_t highest = et_min(kernel - 1, position);
    et_readers readers = {lowest > 0 ? lowest : position % stride, 0, 0};
    if (readers.tap <= highest) {
        readers.output = (position - readers.tap) / stride;
        readers.count = (highest - readers.tap) / stride + 1;
    }
    return readers;
}

#endif
