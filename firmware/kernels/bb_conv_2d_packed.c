/*
 * CONV_2D in blocks of 4 output pixels: the inputs under the filter are gathered once per block, packed, and used for all
 * output channels. Blocks run over row ends, so that narrow images waste nothing.
 */
#include "bb_kernels.h"
#include "bb_packed.h"

/* Weights that one pass over the pixels may touch: what the 16 KB cache holds beside everything else. */
#define PASS_BYTES 12288u

/* Writes inputs from `at` on of the four pixels; a null pointer is a pixel whose window hangs over the edge: `padding`. */
static inline void put(const bb_columns_t *columns, uint32_t tap, int32_t x0, int32_t x1, int32_t x2, int32_t x3) {
#if BB_ON_CORTEX_M0
    uint32_t *const to = columns->data + 2 * tap;
    to[0] = (uint32_t)x0 + ((uint32_t)x1 << 16);
    to[1] = (uint32_t)x2 + ((uint32_t)x3 << 16);
#else
    int16_t *const to = columns->data + tap;
    to[0] = (int16_t)x0;
    to[columns->taps] = (int16_t)x1;
    to[2 * columns->taps] = (int16_t)x2;
    to[3 * columns->taps] = (int16_t)x3;
#endif
}

static BB_TIME_CRITICAL void put_run(const bb_columns_t *columns, uint32_t tap, const int8_t *const pixels[BB_BLOCK],
                                     int32_t count) {
    const int8_t *const p0 = pixels[0];
    const int8_t *const p1 = pixels[1];
    const int8_t *const p2 = pixels[2];
    const int8_t *const p3 = pixels[3];
    const bb_columns_t to = *columns;
    for (int32_t i = 0; i < count; i++) {
        put(&to, tap + (uint32_t)i, p0[i], p1[i], p2[i], p3[i]);
    }
}

static BB_TIME_CRITICAL void put_padded_run(const bb_columns_t *columns, uint32_t tap,
                                            const int8_t *const pixels[BB_BLOCK], int32_t count, int32_t padding) {
    for (int32_t i = 0; i < count; i++) {
        put(columns, tap + (uint32_t)i, pixels[0] ? pixels[0][i] : padding, pixels[1] ? pixels[1][i] : padding,
            pixels[2] ? pixels[2][i] : padding, pixels[3] ? pixels[3][i] : padding);
    }
}

static int inside(int32_t position, int32_t extent) {
    return (uint32_t)position < (uint32_t)extent;
}

/* Gathers the windows of the pixels at (y[i], x[i]): input coordinates of tap 0, possibly outside. */
static BB_TIME_CRITICAL void gather(const bb_operator_t *op, const int8_t *input, const int32_t y[BB_BLOCK],
                                    const int32_t x[BB_BLOCK], const bb_columns_t *columns) {
    const bb_window_t *const w = &op->as.window;
    const int32_t depth = w->input_channels;
    const int32_t filter_width = w->filter_width;
    const int32_t last = (filter_width - 1) * w->dilation_width;
    const int8_t *pixels[BB_BLOCK];
    uint32_t tap = 0;
    int whole_rows = w->dilation_width == 1;
    for (int i = 0; i < BB_BLOCK; i++) {
        whole_rows = whole_rows && x[i] >= 0 && x[i] + last < w->input_width;
    }
    for (int32_t ky = 0; ky < w->filter_height; ky++) {
        int rows_inside = 1;
        const int8_t *rows[BB_BLOCK];
        for (int i = 0; i < BB_BLOCK; i++) {
            const int32_t row = y[i] + ky * w->dilation_height;
            rows[i] = inside(row, w->input_height) ? input + row * w->input_width * depth : 0;
            rows_inside = rows_inside && rows[i] != 0;
        }
        if (whole_rows) { /* the taps of a filter row are neighbours in memory */
            for (int i = 0; i < BB_BLOCK; i++) {
                pixels[i] = rows[i] ? rows[i] + x[i] * depth : 0;
            }
            if (rows_inside) {
                put_run(columns, tap, pixels, filter_width * depth);
            } else {
                put_padded_run(columns, tap, pixels, filter_width * depth, op->input_zero_point);
            }
            tap += (uint32_t)(filter_width * depth);
            continue;
        }
        for (int32_t kx = 0; kx < filter_width; kx++) {
            int all = rows_inside;
            for (int i = 0; i < BB_BLOCK; i++) {
                const int32_t column = x[i] + kx * w->dilation_width;
                pixels[i] = rows[i] && inside(column, w->input_width) ? rows[i] + column * depth : 0;
                all = all && pixels[i] != 0;
            }
            if (all) {
                put_run(columns, tap, pixels, depth);
            } else {
                put_padded_run(columns, tap, pixels, depth, op->input_zero_point);
            }
            tap += (uint32_t)depth;
        }
    }
    for (; tap < columns->taps; tap++) {
        put(columns, tap, 0, 0, 0, 0); /* weights are 0 there */
    }
}

void bb_conv_2d_packed(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first, uint32_t end) {
    const bb_window_t *const w = &op->as.window;
    const int32_t width = w->output_width;
    const uint32_t outputs = w->output_channels;
    const uint32_t taps = ((uint32_t)w->filter_height * w->filter_width * w->input_channels + 3u) & ~3u;
    const int8_t *const input = arena + op->input;
    int8_t *const output = arena + op->output + first * w->output_width * outputs;
    const bb_columns_t columns = {.data = (void *)(arena + w->scratch), .taps = taps};
    const uint32_t pixels = (end - first) * w->output_width;
    const uint32_t per_pass = taps < PASS_BYTES ? PASS_BYTES / taps : 1u;
    const uint32_t *stream = (const uint32_t *)(const void *)(constants + w->weights);

    for (uint32_t channel = 0; channel < outputs; channel += per_pass) {
        bb_block_t block = {
            .columns = columns.data,
            .taps = taps,
            .zero_point = op->output_zero_point,
            .minimum = op->minimum,
            .maximum = op->maximum,
        };
        int32_t out_y = (int32_t)first;
        int32_t out_x = 0;
        for (uint32_t pixel = 0; pixel < pixels; pixel += BB_BLOCK) {
            int32_t y[BB_BLOCK];
            int32_t x[BB_BLOCK];
            uint32_t offset = 0;
            for (uint32_t i = 0; i < BB_BLOCK; i++) {
                if (i > 0) {
                    if (pixel + i < pixels) { /* else the last pixel once more */
                        offset += outputs;
                    }
                    block.offset[i - 1] = offset;
                }
                y[i] = out_y * w->stride_height - w->pad_top;
                x[i] = out_x * w->stride_width - w->pad_left;
                if (pixel + i + 1 < pixels && ++out_x == width) {
                    out_x = 0;
                    out_y++;
                }
            }
            gather(op, input, y, x, &columns);
            block.stream = stream;
            block.output = output + pixel * outputs + channel;
            block.channels = outputs - channel < per_pass ? outputs - channel : per_pass;
            bb_packed_channels(&block);
        }
        stream = block.stream;
    }
}
