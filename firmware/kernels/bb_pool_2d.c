#include "bb_kernels.h"
#include "bb_requantize.h"
#include "bb_taps.h"

/* value / count, halves away from zero; count > 0. */
static int32_t rounded_quotient(int32_t value, int32_t count) {
    return (value > 0 ? value + count / 2 : value - count / 2) / count;
}

/* Both pools walk the same windows; padded positions take part in neither. */
static inline void pool(const bb_operator_t *op, int8_t *arena, uint32_t first, uint32_t end, int average) {
    const bb_window_t *const w = &op->as.window;
    const int32_t depth = w->input_channels;
    const int32_t row_stride = (int32_t)w->input_width * depth;
    const int8_t *const input = arena + op->input;
    int8_t *output = arena + op->output + first * w->output_width * w->output_channels;

    for (uint32_t y = first; y < end; y++) {
        const int32_t top = (int32_t)y * w->stride_height - w->pad_top;
        const bb_taps_t rows = bb_taps_inside(top, w->input_height, w->filter_height, 1);
        for (int32_t x = 0; x < w->output_width; x++) {
            const int32_t left = x * w->stride_width - w->pad_left;
            const bb_taps_t columns = bb_taps_inside(left, w->input_width, w->filter_width, 1);
            const int32_t count = (rows.end - rows.begin) * (columns.end - columns.begin);
            for (int32_t c = 0; c < depth; c++) {
                int32_t value = average ? 0 : INT8_MIN;
                for (int32_t ky = rows.begin; ky < rows.end; ky++) {
                    const int8_t *in = input + (top + ky) * row_stride + (left + columns.begin) * depth + c;
                    for (int32_t kx = columns.begin; kx < columns.end; kx++) {
                        if (average) {
                            value += *in;
                        } else if (*in > value) {
                            value = *in;
                        }
                        in += depth;
                    }
                }
                if (average) {
                    value = rounded_quotient(value, count);
                }
                *output++ = bb_clamp_to_int8(value, op->minimum, op->maximum);
            }
        }
    }
}

void bb_average_pool_2d(const bb_operator_t *op, int8_t *arena, uint32_t first, uint32_t end) {
    pool(op, arena, first, end, 1);
}

void bb_max_pool_2d(const bb_operator_t *op, int8_t *arena, uint32_t first, uint32_t end) {
    pool(op, arena, first, end, 0);
}
