/*
 * CONV_2D in blocks of 4 output pixels: the inputs under the filter are gathered once per block, packed, and used for all
 * output channels. Blocks run over row ends, so that narrow images waste nothing.
 */
#include <string.h>

#include "bb_kernels.h"
#include "bb_packed.h"
#include "bb_stairs.h"

/* Weights that one pass over the pixels may touch: what the 16 KB cache holds beside everything else. */
#define PASS_BYTES 12288u

#if BB_ON_CORTEX_M0

/* Packs `count` > 0 consecutive inputs of the four pixels: 19 cycles per tap. */
__attribute__((naked)) BB_TIME_CRITICAL static void pack_run(__attribute__((unused)) uint32_t *to,
                                                             __attribute__((unused)) const int8_t *const *pixels,
                                                             __attribute__((unused)) int32_t count) {
    __asm__ volatile(
        ".syntax unified\n"
        "push {r4-r7, lr}\n"
        "movs r5, r0\n"
        "movs r4, r2\n"
        "ldmia r1!, {r0, r2, r6, r7}\n"
        "adds r0, r0, r4\n" /* ends of the runs, indexed from -count to -1 */
        "adds r1, r2, r4\n"
        "adds r2, r6, r4\n"
        "adds r3, r7, r4\n"
        "negs r4, r4\n"
        "1:\n"
        "ldrsb r6, [r0, r4]\n"
        "ldrsb r7, [r1, r4]\n"
        "lsls r7, r7, #16\n"
        "adds r6, r6, r7\n"
        "stmia r5!, {r6}\n"
        "ldrsb r6, [r2, r4]\n"
        "ldrsb r7, [r3, r4]\n"
        "lsls r7, r7, #16\n"
        "adds r6, r6, r7\n"
        "stmia r5!, {r6}\n"
        "adds r4, r4, #1\n"
        "bne 1b\n"
        "pop {r4-r7, pc}\n");
}

static inline void put_run(const bb_columns_t *columns, uint32_t tap, const int8_t *const pixels[BB_BLOCK],
                           int32_t count) {
    pack_run(columns->data + 2 * tap, pixels, count);
}

#else

static void put_run(const bb_columns_t *columns, uint32_t tap, const int8_t *const pixels[BB_BLOCK], int32_t count) {
    for (uint32_t p = 0; p < BB_BLOCK; p++) {
        int16_t *const to = columns->data + p * columns->taps + tap;
        for (int32_t i = 0; i < count; i++) {
            to[i] = pixels[p][i];
        }
    }
}

#endif

static int inside(int32_t position, int32_t extent) {
    return (uint32_t)position < (uint32_t)extent;
}

/*
 * Gathers the windows of the pixels at (y[i], x[i]): input coordinates of tap 0, possibly outside. `padding` has a filter row
 * of the input's zero point, to read where a window hangs over the edge.
 */
static BB_TIME_CRITICAL void gather(const bb_window_t *w, const int8_t *input, const int8_t *padding,
                                    const int32_t y[BB_BLOCK], const int32_t x[BB_BLOCK], const bb_columns_t *columns) {
    const int32_t depth = w->input_channels;
    const int32_t filter_width = w->filter_width;
    const int32_t row_bytes = w->input_width * depth;
    const int8_t *pixels[BB_BLOCK];
    uint32_t tap = 0;
    int whole_rows = w->dilation_width == 1;
    for (int i = 0; i < BB_BLOCK; i++) {
        whole_rows = whole_rows && x[i] >= 0 && x[i] + filter_width <= w->input_width;
    }
    for (int32_t ky = 0; ky < w->filter_height; ky++) {
        const int32_t down = ky * w->dilation_height;
        if (whole_rows) { /* the taps of a filter row are neighbours in memory */
            for (int i = 0; i < BB_BLOCK; i++) {
                const int32_t row = y[i] + down;
                pixels[i] = inside(row, w->input_height) ? input + row * row_bytes + x[i] * depth : padding;
            }
            put_run(columns, tap, pixels, filter_width * depth);
            tap += (uint32_t)(filter_width * depth);
            continue;
        }
        for (int32_t kx = 0; kx < filter_width; kx++) {
            const int32_t right = kx * w->dilation_width;
            for (int i = 0; i < BB_BLOCK; i++) {
                const int32_t row = y[i] + down;
                const int32_t column = x[i] + right;
                pixels[i] = inside(row, w->input_height) && inside(column, w->input_width)
                                ? input + row * row_bytes + column * depth
                                : padding;
            }
            put_run(columns, tap, pixels, depth);
            tap += (uint32_t)depth;
        }
    }
    if (tap < columns->taps) { /* weights are 0 there */
        for (int i = 0; i < BB_BLOCK; i++) {
            pixels[i] = padding;
        }
        while (tap < columns->taps) {
            put_run(columns, tap++, pixels, 1);
        }
    }
}

BB_TIME_CRITICAL void bb_conv_2d_packed(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first, uint32_t end) {
    const bb_window_t *const w = &op->as.window;
    const int32_t width = w->output_width;
    const uint32_t outputs = w->output_channels;
    const uint32_t taps = ((uint32_t)w->filter_height * w->filter_width * w->input_channels + 3u) & ~3u;
    const int8_t *const input = arena + op->input;
    int8_t *const output = arena + op->output + first * w->output_width * outputs;
    const bb_columns_t columns = {.data = (void *)(arena + w->scratch), .taps = taps};
    int8_t *const padding = arena + w->scratch + 2 * BB_BLOCK * taps;
    const uint32_t pixels = (end - first) * w->output_width;
    const uint32_t per_pass = taps < PASS_BYTES ? PASS_BYTES / taps : 1u;
    const uint32_t *stream = (const uint32_t *)(const void *)(constants + w->weights);

    memset(padding, op->input_zero_point, (size_t)w->filter_width * w->input_channels);
    for (uint32_t channel = 0; channel < outputs; channel += per_pass) {
        bb_block_t block = {
            .columns = columns.data,
            .taps = taps,
            .zero_point = op->output_zero_point,
            .minimum = op->minimum,
            .maximum = op->maximum,
            .landing = (uint32_t)bb_has_landing(op->minimum, op->output_zero_point),
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
            gather(w, input, padding, y, x, &columns);
            block.stream = stream;
            block.output = output + pixel * outputs + channel;
            block.channels = outputs - channel < per_pass ? outputs - channel : per_pass;
            bb_packed_channels(&block);
        }
        stream = block.stream;
    }
}
