/*
 * DEPTHWISE_CONV_2D with 3 x 3 taps, two output rows at a time: pixels of the same column in both rows share a word, as in
 * bb_packed.h. The input rows of a pair are copied once with their padding; each channel is then gathered from there column
 * by column, so that the nine taps of an output are neighbours.
 */
#include <string.h>

#include "bb_kernels.h"
#include "bb_packed.h"
#include "bb_requantize.h"

#define TAPS 9
#define FILTER 3

/* One channel of two output rows. */
typedef struct bb_row_pair {
    const uint32_t *columns; /* [column][3 rows], packed */
    const int32_t *stream;   /* the channel's record */
    int8_t *output;          /* first pixel of the upper row */
    int32_t lower;           /* bytes from a pixel of the upper row to that of the lower */
    int32_t step;            /* bytes from a pixel to the next */
    int32_t advance;         /* bytes of columns from the end of one window to the begin of the next */
    const uint32_t *end;     /* where the window of the pixel behind the last begins */
    int32_t zero_point, minimum, maximum;
} bb_row_pair_t;

/* A channel's record: first sum of both halves, bias, multiplier, shift to the right; 9 weights column by column. */
#define RECORD_WORDS 13

#if BB_ON_CORTEX_M0

/*
 * About 58 cycles for the 18 products of a pair and 90 for its two outputs. Sums as in bb_packed_channels_m0.c, but a
 * group is two taps, so that no weight is too heavy (the compiler refuses -128). Stack frame: weights 6 .. 8 at 0, B at 12,
 * multiplier halves at 16 and 20, shift 24, first sums F 28 and B 32, then output .. maximum of bb_row_pair_t from 36.
 */
__attribute__((naked)) BB_TIME_CRITICAL static void run_channel(__attribute__((unused)) const bb_row_pair_t *pair) {
    __asm__ volatile(
        ".syntax unified\n"
        ".macro bb_flush sum\n"
        "adds \\sum, \\sum, r7\n"
        "adds r4, r4, \\sum\n"
        "asrs \\sum, \\sum, #16\n"
        "adds r5, r5, \\sum\n"
        ".endm\n"
        /* Sum in r0 to int8 in r2; r3, r4: halves of the multiplier, r5: shift, r7: zero point. */
        ".macro bb_requantize_pixel\n"
        "sxth r1, r0\n"
        "subs r0, r0, r1\n"
        "asrs r0, r0, #16\n"
        "movs r2, r1\n"
        "muls r2, r3, r2\n"
        "asrs r2, r2, #16\n"
        "muls r1, r4, r1\n"
        "adds r2, r2, r1\n"
        "movs r1, r0\n"
        "muls r1, r3, r1\n"
        "adds r2, r2, r1\n"
        "muls r0, r4, r0\n"
        "asrs r2, r2, #15\n"
        "adcs r2, r2, r0\n"
        "adds r2, r2, r0\n"
        "asrs r1, r2, #31\n"
        "adds r2, r2, r1\n"
        "asrs r2, r2, r5\n"
        "adcs r2, r2, r7\n"
        "ldr r0, [sp, #60]\n"
        "cmp r2, r0\n"
        "bge 1f\n"
        "mov r2, r0\n"
        "1: ldr r0, [sp, #64]\n"
        "cmp r2, r0\n"
        "ble 2f\n"
        "mov r2, r0\n"
        "2:\n"
        ".endm\n"

        "push {r4-r7, lr}\n"
        "mov r4, r8\n"
        "mov r5, r9\n"
        "mov r6, r10\n"
        "mov r7, r11\n"
        "push {r4-r7}\n"
        "sub sp, #72\n"
        "ldmia r0!, {r6, r7}\n" /* columns, stream */
        "add r1, sp, #36\n"
        "ldmia r0!, {r2-r5}\n"
        "stmia r1!, {r2-r5}\n"
        "ldmia r0!, {r2-r5}\n"
        "stmia r1!, {r2-r5}\n"
        "ldmia r7!, {r0-r3}\n"
        "str r0, [sp, #28]\n"
        "str r1, [sp, #32]\n"
        "uxth r0, r2\n"
        "lsrs r1, r2, #16\n"
        "str r0, [sp, #16]\n"
        "str r1, [sp, #20]\n"
        "str r3, [sp, #24]\n"
        "ldmia r7!, {r0-r5}\n"
        "mov r8, r0\n"
        "mov r9, r1\n"
        "mov r10, r2\n"
        "mov r11, r3\n"
        "mov r12, r4\n"
        "mov lr, r5\n"
        "ldmia r7!, {r0-r2}\n"
        "str r0, [sp, #0]\n"
        "str r1, [sp, #4]\n"
        "str r2, [sp, #8]\n"

        "3:\n" /* next pixel of both rows */
        "movs r7, #128\n"
        "lsls r7, r7, #8\n"
        "ldr r4, [sp, #28]\n"
        "ldr r5, [sp, #32]\n"
        "ldmia r6!, {r0, r1, r2}\n"
        "mov r3, r8\n"
        "muls r0, r3, r0\n"
        "mov r3, r9\n"
        "muls r1, r3, r1\n"
        "adds r0, r0, r1\n"
        "bb_flush r0\n"
        "mov r3, r10\n"
        "muls r2, r3, r2\n"
        "ldmia r6!, {r0, r1}\n"
        "mov r3, r11\n"
        "muls r0, r3, r0\n"
        "adds r2, r2, r0\n"
        "bb_flush r2\n"
        "mov r3, r12\n"
        "muls r1, r3, r1\n"
        "ldmia r6!, {r0, r2}\n"
        "mov r3, lr\n"
        "muls r0, r3, r0\n"
        "adds r1, r1, r0\n"
        "bb_flush r1\n"
        "ldr r3, [sp, #0]\n"
        "muls r2, r3, r2\n"
        "ldmia r6!, {r0, r1}\n"
        "ldr r3, [sp, #4]\n"
        "muls r0, r3, r0\n"
        "adds r2, r2, r0\n"
        "bb_flush r2\n"
        "ldr r3, [sp, #8]\n"
        "muls r1, r3, r1\n"
        "bb_flush r1\n"

        "str r5, [sp, #12]\n"
        "lsls r5, r5, #16\n"
        "subs r0, r4, r5\n"
        "ldr r3, [sp, #16]\n"
        "ldr r4, [sp, #20]\n"
        "ldr r5, [sp, #24]\n"
        "ldr r7, [sp, #48]\n" /* advance */
        "adds r6, r6, r7\n"
        "ldr r7, [sp, #56]\n"
        "bb_requantize_pixel\n"
        "ldr r1, [sp, #36]\n"
        "strb r2, [r1]\n"
        "ldr r0, [sp, #12]\n"
        "bb_requantize_pixel\n"
        "ldr r1, [sp, #36]\n"
        "ldr r0, [sp, #40]\n"
        "strb r2, [r1, r0]\n"
        "ldr r0, [sp, #44]\n"
        "adds r1, r1, r0\n"
        "str r1, [sp, #36]\n"
        "ldr r0, [sp, #52]\n"
        "cmp r6, r0\n"
        "bne 3b\n"

        "add sp, #72\n"
        "pop {r4-r7}\n"
        "mov r8, r4\n"
        "mov r9, r5\n"
        "mov r10, r6\n"
        "mov r11, r7\n"
        "pop {r4-r7, pc}\n");
}

#else

static void run_channel(const bb_row_pair_t *p) {
    const int32_t bias = p->stream[1];
    const int32_t multiplier = p->stream[2];
    const int32_t shift = -p->stream[3];
    const int32_t *const weights = p->stream + 4;
    int8_t *output = p->output;
    for (const uint32_t *column = p->columns; column != p->end; output += p->step) {
        int32_t sums[2] = {bias, bias};
        for (int32_t tap = 0; tap < TAPS; tap++) {
            const int32_t upper = (int16_t)(column[tap] & 0xffffu);
            const int32_t lower = (int32_t)(column[tap] - (uint32_t)upper) >> 16;
            sums[0] += upper * weights[tap];
            sums[1] += lower * weights[tap];
        }
        for (int32_t row = 0; row < 2; row++) {
            const int32_t value = bb_requantize(sums[row], multiplier, shift) + p->zero_point;
            output[row * p->lower] = bb_clamp_to_int8(value, p->minimum, p->maximum);
        }
        column = (const uint32_t *)(const void *)((const uint8_t *)(column + TAPS) + p->advance);
    }
}

#endif

/* Packs one channel of `width` columns: three taps from `row_bytes` apart, the lower row's `below` bytes further down. */
static BB_TIME_CRITICAL void pack_columns(const int8_t *from, uint32_t *to, int32_t width, int32_t depth,
                                          int32_t row_bytes, int32_t below) {
    const uint32_t *const end = to + FILTER * width;
    const int8_t *row1 = from + row_bytes;
    const int8_t *row2 = row1 + row_bytes;
    if (below == row_bytes) { /* the lower row's upper taps are the upper row's lower ones */
        const int8_t *row3 = row2 + row_bytes;
        for (; to != end; to += FILTER, from += depth, row1 += depth, row2 += depth, row3 += depth) {
            const int32_t x1 = *row1;
            const int32_t x2 = *row2;
            to[0] = (uint32_t)*from + ((uint32_t)x1 << 16);
            to[1] = (uint32_t)x1 + ((uint32_t)x2 << 16);
            to[2] = (uint32_t)x2 + ((uint32_t)*row3 << 16);
        }
        return;
    }
    for (; to != end; to += FILTER, from += depth, row1 += depth, row2 += depth) {
        to[0] = (uint32_t)*from + ((uint32_t)from[below] << 16);
        to[1] = (uint32_t)*row1 + ((uint32_t)row1[below] << 16);
        to[2] = (uint32_t)*row2 + ((uint32_t)row2[below] << 16);
    }
}

/* Copies input rows `top` .. `top + count - 1` with the columns that the windows reach, padding where there is no input. */
static void copy_rows(const bb_operator_t *op, const int8_t *input, int8_t *to, int32_t top, int32_t count,
                      int32_t width) {
    const bb_window_t *const w = &op->as.window;
    const int32_t depth = w->input_channels;
    const int32_t reach = width - w->pad_left;
    const int32_t left = w->pad_left < width ? w->pad_left : width;
    const int32_t inside = reach < 0 ? 0 : reach < w->input_width ? reach : w->input_width;
    for (int32_t row = top; row < top + count; row++, to += width * depth) {
        if (row < 0 || row >= w->input_height) {
            memset(to, op->input_zero_point, (size_t)(width * depth));
            continue;
        }
        memset(to, op->input_zero_point, (size_t)(left * depth));
        memcpy(to + left * depth, input + row * w->input_width * depth, (size_t)(inside * depth));
        memset(to + (left + inside) * depth, op->input_zero_point, (size_t)((width - left - inside) * depth));
    }
}

BB_TIME_CRITICAL void bb_depthwise_conv_2d_packed(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first,
                                 uint32_t end) {
    const bb_window_t *const w = &op->as.window;
    const int32_t depth = w->input_channels;
    const int32_t outputs = w->output_channels;
    const int32_t width = (w->output_width - 1) * w->stride_width + FILTER;
    const int32_t rows = (FILTER - 1) * w->dilation_height + 1 + w->stride_height;
    const int32_t row_bytes = width * depth;
    int8_t *const copy = arena + w->scratch;
    uint32_t *const columns = (uint32_t *)(void *)(copy + ((rows * row_bytes + 3) & ~3));
    const int32_t *const stream = (const int32_t *)(const void *)(constants + w->weights);
    const int32_t out_row = w->output_width * outputs;
    bb_row_pair_t pair = {
        .columns = columns,
        .step = outputs,
        .advance = 4 * FILTER * (w->stride_width - FILTER),
        .end = columns + FILTER * w->stride_width * w->output_width,
        .zero_point = op->output_zero_point,
        .minimum = op->minimum,
        .maximum = op->maximum,
    };

    for (uint32_t y = first; y < end; y += 2) {
        const int32_t lower = y + 1 < end; /* else the last row twice */
        int8_t *const output = arena + op->output + (int32_t)y * out_row;
        int32_t copies = 0;
        int32_t channel = -1;
        copy_rows(op, arena + op->input, copy, (int32_t)y * w->stride_height - w->pad_top, rows, width);
        pair.lower = lower * out_row;
        pair.stream = stream;
        for (int32_t c = 0; c < outputs; c++) {
            if (copies == 0) {
                copies = w->depth_multiplier;
                channel++;
                pack_columns(copy + channel, columns, width, depth, w->dilation_height * row_bytes,
                             lower * w->stride_height * row_bytes);
            }
            copies--;
            pair.output = output + c;
            run_channel(&pair);
            pair.stream += RECORD_WORDS;
        }
    }
}
