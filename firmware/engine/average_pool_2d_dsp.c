/* AVERAGE_POOL_2D of windows that lie side by side: a cell's error is its only reader's, so that
 * mantissas are copied and take no shift. */
#include "average_pool_2d_dsp.h"

#include <string.h>

#include "error_words.h"

static void put_cell(const et_error_words *block, uint32_t channels, const int8_t *e,
                     const int8_t *x, int8_t *e_in)
{
    const int8_t *end = e + (channels & ~3u);
    for (; e != end; e += 4, x += 4, e_in += 4) {
        et_store_word(e_in, et_error_words_masked(block, et_load_word(e), x));
    }
    for (end += channels & 3; e != end; e++, x++, e_in++) {
        *e_in = (int8_t)(*x > block->clip.low && *x < block->clip.high ? *e : 0);
    }
}

int32_t et_average_pool_2d_dsp_input_error(const et_pool_2d *p, const int8_t *e, const int8_t *x,
                                           et_clip clip, int8_t *e_in)
{
    uint32_t channels = p->in.channels, line = p->out.width * channels;
    if (!et_error_passes(clip)) {
        memset(e_in, 0, (uint32_t)p->in.height * p->in.width * channels);
        return 0;
    }
    et_error_words block = et_error_words_open(e_in, 0, clip);
    for (uint32_t y = 0; y < p->in.height; y++) {
        const int8_t *errors = e + y / p->window.kernel_h * line;
        for (uint32_t column = 0; column < p->in.width; column++) {
            const int8_t *error = errors + column / p->window.kernel_w * channels;
            put_cell(&block, channels, error, x, e_in);
            x += channels;
            e_in += channels;
        }
    }
    return 0;
}
