#include "bb_kernels.h"
#include "bb_requantize.h"
#include "bb_taps.h"

/* Sum of (input + offset) * weight over `count` consecutive elements. */
static inline int32_t dot(const int8_t *input, const int8_t *weights, int32_t count, int32_t offset) {
    int32_t sum = 0;
    for (int32_t i = 0; i < count; i++) {
        sum += (input[i] + offset) * weights[i];
    }
    return sum;
}

void bb_conv_2d(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first, uint32_t end) {
    const bb_window_t *const w = &op->as.window;
    const int32_t depth = w->input_channels;
    const int32_t row_stride = (int32_t)w->input_width * depth;
    const int32_t tap_row = (int32_t)w->filter_width * depth;
    const int32_t filter_bytes = (int32_t)w->filter_height * tap_row;
    const int32_t offset = -op->input_zero_point;
    const int8_t *const input = arena + op->input;
    const int8_t *const weights = (const int8_t *)(constants + w->weights);
    const bb_channel_t *const channels = (const bb_channel_t *)(const void *)(constants + w->channels);
    int8_t *output = arena + op->output + first * w->output_width * w->output_channels;

    for (uint32_t y = first; y < end; y++) {
        const int32_t top = (int32_t)y * w->stride_height - w->pad_top;
        const bb_taps_t rows = bb_taps_inside(top, w->input_height, w->filter_height, w->dilation_height);
        for (int32_t x = 0; x < w->output_width; x++) {
            const int32_t left = x * w->stride_width - w->pad_left;
            const bb_taps_t columns = bb_taps_inside(left, w->input_width, w->filter_width, w->dilation_width);
            /* Undilated taps of one row are neighbours in memory: one run instead of one per tap. */
            const int32_t runs = w->dilation_width == 1 ? columns.begin + 1 : columns.end;
            const int32_t run = w->dilation_width == 1 ? (columns.end - columns.begin) * depth : depth;
            const int8_t *filter = weights;
            for (int32_t c = 0; c < w->output_channels; c++) {
                int32_t sum = channels[c].bias;
                for (int32_t ky = rows.begin; ky < rows.end; ky++) {
                    const int8_t *const in = input + (top + ky * w->dilation_height) * row_stride;
                    for (int32_t kx = columns.begin; kx < runs; kx++) {
                        sum += dot(in + (left + kx * w->dilation_width) * depth, filter + ky * tap_row + kx * depth, run,
                                   offset);
                    }
                }
                sum = bb_requantize(sum, channels[c].multiplier, channels[c].shift) + op->output_zero_point;
                *output++ = bb_clamp_to_int8(sum, op->minimum, op->maximum);
                filter += filter_bytes;
            }
        }
    }
}
