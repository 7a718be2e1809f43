/*
 * CONV_2D in blocks of 4 output pixels: the inputs under the filter are gathered once per block, packed, and used for all
 * output channels. Blocks run over row ends, so that narrow images waste nothing.
 */
#include <string.h>

#include "../runtime/bb_port.h"
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

/* Output pixels one after the other, across row ends, a block at a time. */
typedef struct bb_walk {
    const bb_window_t *w;
    uint32_t pixel, pixels;
    int32_t out_y, out_x;
} bb_walk_t;

/* Gathers the next block. Pixels that are not there repeat the last one. */
static BB_TIME_CRITICAL void gather_block(bb_walk_t *walk, const int8_t *input, const int8_t *padding,
                                          const bb_columns_t *columns) {
    const bb_window_t *const w = walk->w;
    int32_t y[BB_BLOCK];
    int32_t x[BB_BLOCK];
    for (uint32_t i = 0; i < BB_BLOCK; i++) {
        y[i] = walk->out_y * w->stride_height - w->pad_top;
        x[i] = walk->out_x * w->stride_width - w->pad_left;
        if (walk->pixel + 1 < walk->pixels) {
            walk->pixel++;
            if (++walk->out_x == w->output_width) {
                walk->out_x = 0;
                walk->out_y++;
            }
        }
    }
    gather(w, input, padding, y, x, columns);
}

/* Where the outputs of the pixels from `pixel` on are. */
static inline void place_outputs(bb_block_t *block, uint32_t pixel, uint32_t pixels, uint32_t outputs) {
    uint32_t offset = 0;
    for (uint32_t i = 1; i < BB_BLOCK; i++) {
        if (pixel + i < pixels) {
            offset += outputs;
        }
        block->offset[i - 1] = offset;
    }
}

static inline uint32_t taps_of(const bb_window_t *w) {
    return ((uint32_t)w->filter_height * w->filter_width * w->input_channels + 3u) & ~3u;
}

static inline bb_block_t block_of(const bb_operator_t *op, uint32_t taps) {
    return (bb_block_t){
        .taps = taps,
        .zero_point = op->output_zero_point,
        .minimum = op->minimum,
        .maximum = op->maximum,
        .landing = (uint32_t)bb_has_landing(op->minimum, op->output_zero_point),
    };
}

BB_TIME_CRITICAL void bb_conv_2d_packed(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first,
                                        uint32_t end) {
    const bb_window_t *const w = &op->as.window;
    const uint32_t outputs = w->output_channels;
    const uint32_t taps = taps_of(w);
    const int8_t *const input = arena + op->input;
    int8_t *const output = arena + op->output + first * w->output_width * outputs;
    const bb_columns_t columns = {.data = (void *)(arena + w->scratch), .taps = taps};
    int8_t *const padding = arena + w->scratch + 2 * BB_BLOCK * taps;
    const uint32_t pixels = (end - first) * w->output_width;
    const uint32_t per_pass = taps < PASS_BYTES ? PASS_BYTES / taps : 1u;
    const uint32_t *stream = (const uint32_t *)(const void *)(constants + w->weights);

    memset(padding, op->input_zero_point, (size_t)w->filter_width * w->input_channels);
    for (uint32_t channel = 0; channel < outputs; channel += per_pass) {
        bb_block_t block = block_of(op, taps);
        bb_walk_t walk = {.w = w, .pixels = pixels, .out_y = (int32_t)first};
        block.columns = columns.data;
        for (uint32_t pixel = 0; pixel < pixels; pixel += BB_BLOCK) {
            gather_block(&walk, input, padding, &columns);
            place_outputs(&block, pixel, pixels, outputs);
            block.stream = stream;
            block.output = output + pixel * outputs + channel;
            block.channels = outputs - channel < per_pass ? outputs - channel : per_pass;
            bb_packed_channels(&block);
        }
        stream = block.stream;
    }
}

/*
 * The same where an image is small and its weights are many: the windows of all pixels are gathered once and kept, and the weights
 * come from flash in bursts, pass by pass, while the core works on those that have come.
 */
BB_TIME_CRITICAL void bb_conv_2d_streamed(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first,
                                          uint32_t end) {
    const bb_window_t w = op->as.window;
    const uint32_t outputs = w.output_channels;
    const uint32_t taps = taps_of(&w);
    const uint32_t column_bytes = 2u * BB_BLOCK * taps;
    const uint32_t blocks = ((uint32_t)w.output_height * w.output_width + BB_BLOCK - 1u) / BB_BLOCK;
    const uint32_t padding_bytes = (uint32_t)w.filter_width * w.input_channels;
    const int8_t *const input = arena + op->input;
    int8_t *const output = arena + op->output + first * w.output_width * outputs;
    int8_t *const columns = arena + w.scratch;
    int8_t *const padding = columns + blocks * column_bytes;
    uint32_t *const halves = (uint32_t *)(void *)(padding + ((padding_bytes + 3u) & ~3u));
    const uint32_t pixels = (end - first) * w.output_width;
    const uint32_t *source = (const uint32_t *)(const void *)(constants + w.weights);
    bb_block_t block = block_of(op, taps);
    bb_walk_t walk = {.w = &w, .pixels = pixels, .out_y = (int32_t)first}; /* by memset, which is in flash */

    memset(padding, op->input_zero_point, padding_bytes);
    bb_port_burst_begin(); /* from here on op and everything else in flash is out of reach */
    bb_port_burst_read(source, halves, w.pass_words);
    if (w.pass_channels < outputs) {
        bb_port_burst_read(source + w.pass_words, halves + w.pass_words, w.pass_words);
    }
    for (uint32_t pixel = 0; pixel < pixels; pixel += BB_BLOCK) {
        const bb_columns_t to = {.data = (void *)(columns + pixel / BB_BLOCK * column_bytes), .taps = taps};
        gather_block(&walk, input, padding, &to);
    }
    uint32_t *half = halves;
    uint32_t burst = 0;
    for (uint32_t channel = 0; channel < outputs; channel += w.pass_channels) {
        burst++;
        while (bb_port_burst_missing(burst) != 0) {
        }
        for (uint32_t pixel = 0; pixel < pixels; pixel += BB_BLOCK) {
            place_outputs(&block, pixel, pixels, outputs);
            block.columns = columns + pixel / BB_BLOCK * column_bytes;
            block.stream = half;
            block.output = output + pixel * outputs + channel;
            block.channels = outputs - channel < w.pass_channels ? outputs - channel : w.pass_channels;
            bb_packed_channels(&block);
        }
        source += w.pass_words;
        if (channel + 2u * w.pass_channels < outputs) {
            bb_port_burst_read(source + w.pass_words, half, w.pass_words);
        }
        half = half == halves ? halves + w.pass_words : halves;
    }
    bb_port_burst_end();
}
