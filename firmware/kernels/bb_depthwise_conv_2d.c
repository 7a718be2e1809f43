#include "bb_kernels.h"
#include "bb_requantize.h"
#include "bb_taps.h"

void bb_depthwise_conv_2d(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first,
                          uint32_t end) {
    const bb_window_t *const w = &op->as.window;
    const int32_t depth = w->input_channels;
    const int32_t outputs = w->output_channels;
    const int32_t multiplier = w->depth_multiplier;
    const int32_t row_stride = (int32_t)w->input_width * depth;
    const int32_t tap_stride = (int32_t)w->dilation_width * depth;
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
            int32_t input_channel = 0;
            int32_t copies = multiplier; /* output channels that still read `input_channel` */
            for (int32_t c = 0; c < outputs; c++) {
                int32_t sum = channels[c].bias;
                for (int32_t ky = rows.begin; ky < rows.end; ky++) {
                    const int8_t *in = input + (top + ky * w->dilation_height) * row_stride +
                                       (left + columns.begin * w->dilation_width) * depth + input_channel;
                    const int8_t *tap = weights + (ky * w->filter_width + columns.begin) * outputs + c;
                    for (int32_t kx = columns.begin; kx < columns.end; kx++) {
                        sum += (*in + offset) * *tap;
                        in += tap_stride;
                        tap += outputs;
                    }
                }
                sum = bb_requantize(sum, channels[c].multiplier, channels[c].shift) + op->output_zero_point;
                *output++ = bb_clamp_to_int8(sum, op->minimum, op->maximum);
                if (--copies == 0) {
                    copies = multiplier;
                    input_channel++;
                }
            }
        }
    }
}
