/* The integer operators: each one's forward with its backward.  docs/numerics.md is normative.
 *
 * Activations x, y and errors e are int8 [height][width][channels].  Arguments come in a fixed
 * order: parameters, weights, bias, inputs, outputs, scratch; the caller owns all memory.
 */
#ifndef ET_OPERATORS_H
#define ET_OPERATORS_H

#include <stdint.h>

#define ET_BIAS_INPUT 64 /* the constant input of the bias column */

typedef struct {
    uint16_t height, width, channels;
} et_shape;

/* Kernel and stride, and the padding before the first row and column. */
typedef struct {
    uint16_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w;
} et_window;

/* The error is zero where value <= low or value >= high: there the fused activation clipped. */
typedef struct {
    int16_t low, high;
} et_clip;

/* How accumulators become int8: one multiplier and shift per output channel. */
typedef struct {
    int16_t input_zero_point, output_zero_point, activation_min, activation_max;
    const int32_t *multiplier;
    const int8_t *shift;
} et_quantization;

/* CONV_2D, weights [out][kh][kw][in]; and TRANSPOSE_CONV, whose window slides over the output. */
typedef struct {
    et_shape in, out;
    et_window window;
    et_quantization quantization;
} et_conv_2d;

/* DEPTHWISE_CONV_2D, weights [kh][kw][out], out = in * multiplicity. */
typedef struct {
    et_shape in, out;
    et_window window;
    et_quantization quantization;
    uint16_t multiplicity;
} et_depthwise_conv_2d;

/* FULLY_CONNECTED, weights [out][in]. */
typedef struct {
    uint32_t in, out;
    et_quantization quantization;
} et_fully_connected;

/* MAX_POOL_2D and AVERAGE_POOL_2D. */
typedef struct {
    et_shape in, out;
    et_window window;
    int16_t activation_min, activation_max;
} et_pool_2d;

/* A reduction of x [outer][rows][inner][columns] to y [outer][inner]: REDUCE_MAX. */
typedef struct {
    uint32_t outer, rows, inner, columns;
} et_reduction;

/* MEAN; the multiplier includes 1 / (rows * columns). */
typedef struct {
    et_reduction over;
    int16_t input_zero_point, output_zero_point;
    int32_t multiplier, shift;
} et_mean;

/* PAD with value. */
typedef struct {
    et_shape in, out;
    uint16_t before_h, before_w, before_c;
    int16_t value;
} et_pad;

/* table[k] = round(2**30 * exp(-k * scale)), zero from length on. */
typedef struct {
    const uint32_t *table;
    uint32_t length;
} et_exponential;

/* The exponentials of LOG_SOFTMAX, 2**19 * exp(-k * scale), and what brings a difference to 26 bits
 * behind the point and back; least: at it and below the output is the lowest. */
typedef struct {
    et_exponential exponential;
    int32_t multiplier, shift, back_multiplier, back_shift, least;
} et_log_softmax;

/* SOFTMAX over each of rows vectors of classes values. */
typedef struct {
    et_exponential exponential;
    uint32_t rows, classes;
} et_softmax_rows;

/* The distance from tap to tap of a window. */
typedef struct {
    uint16_t height, width;
} et_dilation;

/* CONV_2D and DEPTHWISE_CONV_2D whose taps lie apart. */
typedef struct {
    et_conv_2d conv;
    et_dilation dilation;
} et_conv_2d_dilated;

typedef struct {
    et_depthwise_conv_2d conv;
    et_dilation dilation;
} et_depthwise_conv_2d_dilated;

/* CONV_2D whose channels are in groups, weights [out][kh][kw][in / groups]; taps may lie apart. */
typedef struct {
    et_conv_2d conv;
    et_dilation dilation;
    uint16_t groups;
} et_conv_2d_grouped;

/* An operand of a sum: sign is 1 or -1. */
typedef struct {
    int16_t zero_point, sign;
    int32_t multiplier, shift;
} et_term;

/* ADD and SUB of count values and a second operand of period values, which repeats. */
typedef struct {
    uint32_t count, period;
    et_term terms[2];
    int32_t multiplier, shift;
    int16_t output_zero_point, activation_min, activation_max;
} et_add;

/* MUL, likewise. */
typedef struct {
    uint32_t count, period;
    int16_t zero_points[2];
    int32_t multiplier, shift;
    int16_t output_zero_point, activation_min, activation_max;
} et_mul;

/* SQUARED_DIFFERENCE of count values each. */
typedef struct {
    uint32_t count;
    et_term terms[2];
    int32_t multiplier, shift;
    int16_t output_zero_point;
} et_squared_difference;

/* MAXIMUM, sign 1, and MINIMUM, sign -1, of count values each. */
typedef struct {
    uint32_t count;
    int16_t sign;
} et_extreme;

/* PRELU of count values and period slopes, which repeat.  derivatives are the slopes over the unit
 * of errors and one likewise. */
typedef struct {
    uint32_t count, period;
    int32_t above_multiplier, above_shift, below_multiplier, below_shift;
    int16_t input_zero_point, slope_zero_point, output_zero_point, one;
    const int8_t *slopes;
    const int16_t *derivatives;
} et_prelu;

/* CONCATENATION: outer times a chunk of each input in turn. */
typedef struct {
    uint32_t outer, inputs;
    const uint32_t *chunks;
} et_concatenation;

#define ET_MOVE_AXES 8 /* of a move, its run among them */

/* count values, each a step further in the input and in the output. */
typedef struct {
    uint32_t count;
    int32_t x_step, y_step;
} et_axis;

/* What moves values along straight lines, from begin on among the input's in values.  Along the
 * run, the innermost axis, and the distinct first ones of axes other values are read, along the
 * repeated ones behind them the same. */
typedef struct {
    uint32_t in, begin, distinct, repeated;
    et_axis run;
    const et_axis *axes;
} et_move;

/* GATHER: outer times count chunks of sources.  What reads source i are the outputs
 * readers[first[i]] to readers[first[i + 1] - 1]. */
typedef struct {
    uint32_t outer, sources, count, chunk;
    const uint32_t *readers, *first;
} et_gather;

/* Along one axis: the i-th of out places lies at i * step + first among the in rows of the input,
 * each 1024, and never outside of them. */
typedef struct {
    uint16_t in, out;
    int32_t step, first;
} et_interpolation;

/* RESIZE_BILINEAR; errors take weights without their last error_shift bits. */
typedef struct {
    et_interpolation rows, columns;
    uint16_t channels, error_shift;
} et_resize_bilinear;

/* Forward. */
void et_conv_2d_forward(const et_conv_2d *p, const int8_t *weights, const int32_t *bias,
                        const int8_t *x, int8_t *y, void *scratch);
void et_depthwise_conv_2d_forward(const et_depthwise_conv_2d *p, const int8_t *weights,
                                  const int32_t *bias, const int8_t *x, int8_t *y, void *scratch);
void et_fully_connected_forward(const et_fully_connected *p, const int8_t *weights,
                                const int32_t *bias, const int8_t *x, int8_t *y, void *scratch);
void et_max_pool_2d_forward(const et_pool_2d *p, const int8_t *x, int8_t *y);
void et_average_pool_2d_forward(const et_pool_2d *p, const int8_t *x, int8_t *y);
void et_mean_forward(const et_mean *p, const int8_t *x, int8_t *y);
void et_reduce_max_forward(const et_reduction *p, const int8_t *x, int8_t *y);
void et_pad_forward(const et_pad *p, const int8_t *x, int8_t *y);
void et_softmax_forward(const et_exponential *p, uint32_t classes, const int8_t *x, int8_t *y);
void et_log_softmax_forward(const et_log_softmax *p, uint32_t classes, const int8_t *x, int8_t *y);
void et_softmax_rows_forward(const et_softmax_rows *p, const int8_t *x, int8_t *y);
void et_conv_2d_dilated_forward(const et_conv_2d_dilated *p, const int8_t *weights,
                                const int32_t *bias, const int8_t *x, int8_t *y, void *scratch);
void et_transpose_conv_forward(const et_conv_2d *p, const int8_t *weights, const int32_t *bias,
                               const int8_t *x, int8_t *y, void *scratch);
void et_conv_2d_grouped_forward(const et_conv_2d_grouped *p, const int8_t *weights,
                                const int32_t *bias, const int8_t *x, int8_t *y, void *scratch);
void et_depthwise_conv_2d_dilated_forward(const et_depthwise_conv_2d_dilated *p,
                                          const int8_t *weights, const int32_t *bias,
                                          const int8_t *x, int8_t *y, void *scratch);
void et_add_forward(const et_add *p, const int8_t *x, const int8_t *other, int8_t *y);
void et_mul_forward(const et_mul *p, const int8_t *x, const int8_t *other, int8_t *y);
void et_extreme_forward(const et_extreme *p, const int8_t *x, const int8_t *other, int8_t *y);
void et_squared_difference_forward(const et_squared_difference *p, const int8_t *x,
                                   const int8_t *other, int8_t *y);
void et_prelu_forward(const et_prelu *p, const int8_t *x, int8_t *y);
void et_concatenation_forward(const et_concatenation *p, const int8_t *const *inputs, int8_t *y);
void et_move_forward(const et_move *p, const int8_t *x, int8_t *y);
void et_gather_forward(const et_gather *p, const int8_t *x, int8_t *y);
void et_resize_bilinear_forward(const et_resize_bilinear *p, const int8_t *x, int8_t *y);
void et_lookup_forward(const int8_t *table, uint32_t count, const int8_t *x, int8_t *y);

/* Error of the input from the error of the output, in 8-bit block floating point: the shift
 * that the mantissas took is returned and adds to the exponent.  x is the operator's input. */
int32_t et_conv_2d_input_error(const et_conv_2d *p, const int8_t *weights, const int8_t *e,
                               const int8_t *x, et_clip clip, int8_t *e_in);
int32_t et_depthwise_conv_2d_input_error(const et_depthwise_conv_2d *p, const int8_t *weights,
                                         const int8_t *e, const int8_t *x, et_clip clip,
                                         int8_t *e_in);
int32_t et_fully_connected_input_error(const et_fully_connected *p, const int8_t *weights,
                                       const int8_t *e, const int8_t *x, et_clip clip,
                                       int8_t *e_in);
int32_t et_max_pool_2d_input_error(const et_pool_2d *p, const int8_t *e, const int8_t *x,
                                   et_clip clip, int8_t *e_in);
int32_t et_average_pool_2d_input_error(const et_pool_2d *p, const int8_t *e, const int8_t *x,
                                       et_clip clip, int8_t *e_in);
int32_t et_reduce_max_input_error(const et_reduction *p, const int8_t *e, const int8_t *x,
                                  et_clip clip, int8_t *e_in);
int32_t et_softmax_rows_input_error(const et_softmax_rows *p, const int8_t *e, const int8_t *x,
                                    et_clip clip, int8_t *e_in);
int32_t et_mean_input_error(const et_mean *p, const int8_t *e, const int8_t *x, et_clip clip,
                            int8_t *e_in);
int32_t et_pad_input_error(const et_pad *p, const int8_t *e, const int8_t *x, et_clip clip,
                           int8_t *e_in);
int32_t et_conv_2d_dilated_input_error(const et_conv_2d_dilated *p, const int8_t *weights,
                                       const int8_t *e, const int8_t *x, et_clip clip,
                                       int8_t *e_in);
int32_t et_transpose_conv_input_error(const et_conv_2d *p, const int8_t *weights, const int8_t *e,
                                      const int8_t *x, et_clip clip, int8_t *e_in);
int32_t et_conv_2d_grouped_input_error(const et_conv_2d_grouped *p, const int8_t *weights,
                                       const int8_t *e, const int8_t *x, et_clip clip,
                                       int8_t *e_in);
int32_t et_depthwise_conv_2d_dilated_input_error(const et_depthwise_conv_2d_dilated *p,
                                                 const int8_t *weights, const int8_t *e,
                                                 const int8_t *x, et_clip clip, int8_t *e_in);
int32_t et_move_input_error(const et_move *p, const int8_t *e, const int8_t *x, et_clip clip,
                            int8_t *e_in);
int32_t et_gather_input_error(const et_gather *p, const int8_t *e, const int8_t *x, et_clip clip,
                              int8_t *e_in);
int32_t et_prelu_input_error(const et_prelu *p, const int8_t *e, const int8_t *x, et_clip clip,
                             int8_t *e_in);
int32_t et_resize_bilinear_input_error(const et_resize_bilinear *p, const int8_t *e,
                                       const int8_t *x, et_clip clip, int8_t *e_in);
int32_t et_lookup_input_error(const int16_t *slopes, uint32_t count, const int8_t *e,
                              const int8_t *x, et_clip clip, int8_t *e_in);

/* The same for one operand of several: x is that operand, other the other one. */
int32_t et_add_input_error(const et_add *p, uint32_t operand, const int8_t *e, const int8_t *x,
                           et_clip clip, int8_t *e_in);
int32_t et_mul_input_error(const et_mul *p, uint32_t operand, const int8_t *e, const int8_t *x,
                           const int8_t *other, et_clip clip, int8_t *e_in);
int32_t et_extreme_input_error(const et_extreme *p, uint32_t operand, const int8_t *e,
                               const int8_t *x, const int8_t *other, et_clip clip, int8_t *e_in);
int32_t et_squared_difference_input_error(const et_squared_difference *p, uint32_t operand,
                                          const int8_t *e, const int8_t *x, const int8_t *other,
                                          et_clip clip, int8_t *e_in);
int32_t et_concatenation_input_error(const et_concatenation *p, uint32_t operand, const int8_t *e,
                                     const int8_t *x, et_clip clip, int8_t *e_in);

/* Multiply each channel's errors by its weight scale over the largest one (Q15), in place; q
 * requantises the channels. */
int32_t et_error_scale(int8_t *e, uint32_t positions, uint32_t channels, const et_quantization *q);

/* What an error in another unit is worth: times multiplier / 2**15 * 2**shift. */
typedef struct {
    uint16_t multiplier;
    int16_t shift;
} et_join;

/* Add another reader's error of the same activation to e; returns the exponent of the sum. */
int32_t et_error_join(int8_t *e, const int8_t *other, uint32_t count, et_join join,
                      int32_t exponent, int32_t other_exponent);

/* Gradient of one output channel: its weights in their order, then the bias.  For the weights
 * inputs count from the centre over the zero point, in the padding too. */
void et_conv_2d_gradient(const et_conv_2d *p, uint32_t row, const int8_t *e, const int8_t *x,
                         int32_t centre, int32_t *gradient);
void et_depthwise_conv_2d_gradient(const et_depthwise_conv_2d *p, uint32_t row, const int8_t *e,
                                   const int8_t *x, int32_t centre, int32_t *gradient);
void et_fully_connected_gradient(const et_fully_connected *p, uint32_t row, const int8_t *e,
                                 const int8_t *x, int32_t centre, int32_t *gradient);
void et_conv_2d_dilated_gradient(const et_conv_2d_dilated *p, uint32_t row, const int8_t *e,
                                 const int8_t *x, int32_t centre, int32_t *gradient);
void et_transpose_conv_gradient(const et_conv_2d *p, uint32_t row, const int8_t *e,
                                const int8_t *x, int32_t centre, int32_t *gradient);
void et_conv_2d_grouped_gradient(const et_conv_2d_grouped *p, uint32_t row, const int8_t *e,
                                 const int8_t *x, int32_t centre, int32_t *gradient);
void et_depthwise_conv_2d_dilated_gradient(const et_depthwise_conv_2d_dilated *p, uint32_t row,
                                           const int8_t *e, const int8_t *x, int32_t centre,
                                           int32_t *gradient);

#endif
