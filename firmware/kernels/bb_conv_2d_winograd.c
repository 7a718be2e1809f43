/*
 * CONV_2D with a 3 x 3 filter and stride 1 by Winograd's F(4 x 4, 3 x 3): 36 products per input channel for 16 outputs instead
 * of 144. Exact, because it never leaves the integers: filters are transformed without the fractions of the textbook,
 * and what that multiplies the outputs with, 9 * 2^n with n = 2 .. 6, is divided out in the end: 9 by its inverse modulo 2^32,
 * the rest by a shift. Everything may wrap on the way, as long as output * 64 fits 32 bits; the compiler promises that.
 *
 * Points 0, 1, -1, 2, -2, infinity. With D the inputs of a tile (6 x 6), G the filter (3 x 3), all products by element:
 *   V = B D B^T,  U = F G F^T,  Z = A (sum over channels of U * V) A^T,  output[i][j] = Z[i][j] / (f[i] f[j]).
 * Transforms work on two channels at once, as halves of a word: no half of D, V, G or U needs more than 15 bits.
 */
#include <stddef.h>

#include "bb_kernels.h"
#include "bb_packed.h"
#include "bb_requantize.h"
#include "bb_stairs.h"
#include "bb_winograd.h"

#define TILE 4 /* outputs of a tile in each dimension */
#define SIDE 6 /* inputs */
#define LANES BB_WINOGRAD_LANES
#define POINTS BB_WINOGRAD_POINTS
/* 9 * this is 1 modulo 2^32. */
#define INVERSE_OF_9 0x38e38e39u

/* Parts of the scratch; `pairs` words are the channels of one place. */
typedef struct bb_workspace {
    uint32_t pairs;
    uint32_t *filter;       /* [6][6][pairs]: U of one output channel; before that, D of a tile */
    uint32_t *intermediate; /* [6][6][pairs] */
    uint32_t *sums;         /* [6][6][LANES]: sum of U * V */
    uint32_t *tiles;        /* [group][6][6][channels][LANES]: V */
} bb_workspace_t;

/* F: g0, g0 + g1 + g2, g0 - g1 + g2, g0 + 2 g1 + 4 g2, g0 - 2 g1 + 4 g2, g2, of `count` words at once. */
static void transform_filter(const uint32_t *from, uint32_t from_stride, uint32_t *to, uint32_t to_stride,
                             uint32_t count) {
    const uint32_t *const end = from + count;
    for (; from != end; from++, to++) {
        const uint32_t g0 = from[0];
        const uint32_t g1 = from[from_stride];
        const uint32_t g2 = from[2u * from_stride];
        const uint32_t outer = g0 + g2;
        const uint32_t far = g0 + (g2 << 2);
        uint32_t *at = to;
        *at = g0;
        at += to_stride;
        *at = outer + g1;
        at += to_stride;
        *at = outer - g1;
        at += to_stride;
        *at = far + (g1 << 1);
        at += to_stride;
        *at = far - (g1 << 1);
        at += to_stride;
        *at = g2;
    }
}

/* `count` bytes to words of two halves, the last one with one if there is no other; returns where the next word goes. */
static inline uint32_t *unpack(const int8_t *from, uint32_t count, uint32_t *to) {
    if (((uintptr_t)from | count) % 4u == 0) {
        const uint32_t *word = (const uint32_t *)(const void *)from;
        const uint32_t *const end = word + count / 4u;
        for (; word != end; to += 2) {
            const uint32_t four = *word++;
            const uint32_t upper = (uint32_t)((int32_t)four >> 16);
            to[0] = (uint32_t)(int8_t)(four & 0xffu) + ((uint32_t)(int8_t)((four >> 8) & 0xffu) << 16);
            to[1] = (uint32_t)(int8_t)(upper & 0xffu) + ((uint32_t)((int32_t)four >> 24) << 16);
        }
        return to;
    }
    for (; count >= 2u; count -= 2u, from += 2) {
        *to++ = (uint32_t)from[0] + ((uint32_t)from[1] << 16);
    }
    if (count != 0) {
        *to++ = (uint32_t)*from;
    }
    return to;
}

/* Unpacks the weights of the stream, its residuals added back, two input channels to a word: [3][3][pairs]. */
static const uint32_t *unpack_filter(const uint32_t *stream, uint32_t depth, uint32_t taps, uint32_t *to, uint32_t pairs) {
    const uint32_t residuals = stream[1] >> 16;
    const int8_t *weight = (const int8_t *)(stream + BB_STREAM_HEAD_WORDS);
    const uint32_t *residual = stream + BB_STREAM_HEAD_WORDS + taps / 4u;
    const uint32_t *const tail = residual + residuals;
    uint32_t *at = to;
    for (uint32_t place = 0; place < 9u; place++) {
        at = unpack(weight, depth, at);
        weight += depth;
    }
    for (; residual != tail; residual++) {
        const uint32_t tap = *residual >> 16;
        const uint32_t place = tap / depth;
        const uint32_t channel = tap - place * depth;
        if (place < 9u) { /* behind it are only taps that fill up */
            const uint32_t value = (uint32_t)(int32_t)(int16_t)(*residual & 0xffffu);
            to[place * pairs + channel / 2u] += channel % 2u == 0 ? value : value << 16;
        }
    }
    return tail;
}

/* B, in both stages: 4 d0 - 5 d2 + d4, (d3 + d4) - 4 (d1 + d2), ... with what they share computed once. */
#define TRANSFORM_INPUT(d0, d1, d2, d3, d4, d5, v0, v1, v2, v3, v4, v5)                                                \
    do {                                                                                                               \
        const uint32_t even = (d4) - ((d2) << 2);                                                                      \
        const uint32_t odd = (d3) - ((d1) << 2);                                                                       \
        const uint32_t middle = (d4) - (d2);                                                                           \
        const uint32_t difference = ((d3) - (d1)) << 1;                                                                \
        v0 = (((d0) - (d2)) << 2) + middle;                                                                            \
        v1 = even + odd;                                                                                               \
        v2 = even - odd;                                                                                               \
        v3 = middle + difference;                                                                                      \
        v4 = middle - difference;                                                                                      \
        v5 = (d5) - (d3) - (difference << 1);                                                                          \
    } while (0)

/* Rows of D to rows of the intermediate: [6][count] words. */
static void transform_rows(const uint32_t *from, uint32_t *to, uint32_t count) {
    const uint32_t *const end = from + count;
    for (; from != end; from++, to++) {
        uint32_t v0, v1, v2, v3, v4, v5;
        TRANSFORM_INPUT(from[0], from[count], from[2 * count], from[3 * count], from[4 * count], from[5 * count], v0, v1, v2, v3,
                        v4, v5);
        to[0] = v0;
        to[count] = v1;
        to[2 * count] = v2;
        to[3 * count] = v3;
        to[4 * count] = v4;
        to[5 * count] = v5;
    }
}

static inline void store_pair(uint32_t *to, uint32_t pair) {
    const int32_t low = (int16_t)(pair & 0xffffu);
    to[0] = (uint32_t)low;
    to[LANES] = (uint32_t)((int32_t)(pair - (uint32_t)low) >> 16);
}

/* One row of the intermediate, [6][pairs] words, to V of one lane. */
static void transform_columns(const uint32_t *from, uint32_t *to, uint32_t pairs) {
    const uint32_t *const end = from + pairs;
    const uint32_t step = 2u * pairs * LANES;
    for (; from != end; from++, to += 2u * LANES) {
        uint32_t v0, v1, v2, v3, v4, v5;
        TRANSFORM_INPUT(from[0], from[pairs], from[2 * pairs], from[3 * pairs], from[4 * pairs], from[5 * pairs], v0, v1, v2, v3,
                        v4, v5);
        uint32_t *at = to;
        store_pair(at, v0);
        at += step;
        store_pair(at, v1);
        at += step;
        store_pair(at, v2);
        at += step;
        store_pair(at, v3);
        at += step;
        store_pair(at, v4);
        at += step;
        store_pair(at, v5);
    }
}

/* The inputs of the tile whose first output is (y, x), transformed, to a lane of V. */
static void load_tile(const bb_operator_t *op, const int8_t *input, int32_t y, int32_t x, const bb_workspace_t *space,
                      uint32_t *lane) {
    const bb_window_t *const w = &op->as.window;
    const int32_t depth = w->input_channels;
    const uint32_t padding = (uint32_t)op->input_zero_point * 0x10001u;
    uint32_t *to = space->filter;
    for (int32_t i = y - w->pad_top; i < y - w->pad_top + SIDE; i++) {
        for (int32_t j = x - w->pad_left; j < x - w->pad_left + SIDE; j++) {
            const int inside = i >= 0 && i < w->input_height && j >= 0 && j < w->input_width;
            if (!inside) {
                for (uint32_t pair = 0; pair < space->pairs; pair++) {
                    *to++ = padding;
                }
                continue;
            }
            to = unpack(input + (i * w->input_width + j) * depth, (uint32_t)depth, to);
        }
    }
    transform_rows(space->filter, space->intermediate, SIDE * space->pairs);
    for (uint32_t row = 0; row < SIDE; row++) {
        transform_columns(space->intermediate + row * SIDE * space->pairs, lane + row * SIDE * 2u * space->pairs * LANES,
                          space->pairs);
    }
}

/* Sums over all channels of U * V for the four tiles of a group: [36][LANES]. */
#if BB_ON_CORTEX_M0

/* 62 cycles for 4 channels at one point: 3.9 per product; 30 per point. Runs from flash: all data are in the arena. */
__attribute__((naked, noinline)) static void multiply(__attribute__((unused)) const uint32_t *filter,
                                                      __attribute__((unused)) const uint32_t *tiles,
                                                      __attribute__((unused)) uint32_t *sums,
                                                      __attribute__((unused)) uint32_t pairs) {
    __asm__ volatile(
        ".syntax unified\n"
        ".macro bb_two_channels\n"
        "ldmia r7!, {r5}\n"
        "sxth r4, r5\n"
        "ldmia r6!, {r0-r3}\n"
        "muls r0, r4, r0\n"
        "add r8, r0\n"
        "muls r1, r4, r1\n"
        "add r9, r1\n"
        "muls r2, r4, r2\n"
        "add r10, r2\n"
        "muls r3, r4, r3\n"
        "add r11, r3\n"
        "subs r5, r5, r4\n"
        "asrs r5, r5, #16\n"
        "ldmia r6!, {r0-r3}\n"
        "muls r0, r5, r0\n"
        "add r8, r0\n"
        "muls r1, r5, r1\n"
        "add r9, r1\n"
        "muls r2, r5, r2\n"
        "add r10, r2\n"
        "muls r3, r5, r3\n"
        "add r11, r3\n"
        ".endm\n"
        "push {r4-r7, lr}\n"
        "mov r4, r8\n"
        "mov r5, r9\n"
        "mov r6, r10\n"
        "mov r7, r11\n"
        "push {r4-r7}\n"
        "mov r7, r0\n"
        "mov r6, r1\n"
        "mov r12, r2\n"
        "lsls r3, r3, #2\n" /* bytes of a point */
        "movs r4, #36\n"
        "muls r4, r3, r4\n"
        "adds r4, r4, r0\n" /* end of the filter */
        "push {r3, r4}\n"
        "mov lr, r0\n"
        "1:\n" /* next point */
        "ldr r5, [sp, #0]\n"
        "add lr, r5\n"
        "movs r0, #0\n"
        "mov r8, r0\n"
        "mov r9, r0\n"
        "mov r10, r0\n"
        "mov r11, r0\n"
        "lsrs r5, r5, #3\n" /* carry: an odd number of pairs */
        "bcs 3f\n"
        "2: bb_two_channels\n"
        "3: bb_two_channels\n"
        "cmp r7, lr\n"
        "bne 2b\n"
        "mov r0, r8\n"
        "mov r1, r9\n"
        "mov r2, r10\n"
        "mov r3, r11\n"
        "mov r4, r12\n"
        "stmia r4!, {r0-r3}\n"
        "mov r12, r4\n"
        "ldr r5, [sp, #4]\n"
        "cmp r7, r5\n"
        "bne 1b\n"
        "add sp, #8\n"
        "pop {r4-r7}\n"
        "mov r8, r4\n"
        "mov r9, r5\n"
        "mov r10, r6\n"
        "mov r11, r7\n"
        "pop {r4-r7, pc}\n");
}

#else

static void multiply(const uint32_t *filter, const uint32_t *tiles, uint32_t *sums, uint32_t pairs) {
    for (uint32_t point = 0; point < POINTS; point++, sums += LANES) {
        uint32_t total[LANES] = {0};
        for (uint32_t pair = 0; pair < pairs; pair++, tiles += 2u * LANES) {
            const uint32_t both = *filter++;
            const uint32_t low = (uint32_t)(int32_t)(int16_t)(both & 0xffffu);
            const uint32_t high = (uint32_t)((int32_t)(both - low) >> 16);
            for (uint32_t lane = 0; lane < LANES; lane++) {
                total[lane] += low * tiles[lane] + high * tiles[LANES + lane];
            }
        }
        for (uint32_t lane = 0; lane < LANES; lane++) {
            sums[lane] = total[lane];
        }
    }
}

#endif

/* One output channel of a tile. */
typedef struct bb_corner {
    int8_t *output; /* first pixel */
    int32_t row;    /* bytes from a row of outputs to the next */
    int32_t column;
    int32_t rows, columns; /* outputs that exist, 1 .. 4 */
    int32_t bias;
    int32_t minimum, maximum, zero_point;
    bb_stairs_t stairs;
} bb_corner_t;

/* A: 6 m0 - 4 (m1 + m2) + m3 + m4, (m3 - m4) - 2 (m1 - m2), (m3 + m4) - (m1 + m2), 2 (m3 - m4) - (m1 - m2) + 6 m5. */
#define TRANSFORM_OUTPUT(m0, m1, m2, m3, m4, m5, z0, z1, z2, z3)                                                       \
    do {                                                                                                               \
        const uint32_t near_sum = (m1) + (m2);                                                                         \
        const uint32_t near_difference = (m1) - (m2);                                                                  \
        const uint32_t far_sum = (m3) + (m4);                                                                          \
        const uint32_t far_difference = (m3) - (m4);                                                                   \
        z0 = 6u * (m0) - (near_sum << 2) + far_sum;                                                                    \
        z1 = far_difference - (near_difference << 1);                                                                  \
        z2 = far_sum - near_sum;                                                                                       \
        z3 = (far_difference << 1) - near_difference + 6u * (m5);                                                      \
    } while (0)

/* f is 24, 12, 6, 6: what is left of f[i] * f[j] without the 9. */
static const uint8_t EXPONENTS[TILE] = {3, 2, 1, 1};

/* `sums`: of one lane. */
static void store_tile(const uint32_t *sums, const bb_corner_t *corner) {
    uint32_t z[SIDE][TILE];
    for (uint32_t i = 0; i < SIDE; i++, sums += SIDE * LANES) {
        TRANSFORM_OUTPUT(sums[0], sums[LANES], sums[2 * LANES], sums[3 * LANES], sums[4 * LANES], sums[5 * LANES], z[i][0],
                         z[i][1], z[i][2], z[i][3]);
    }
    int8_t *output = corner->output;
    for (int32_t j = 0; j < corner->columns; j++, output += corner->column) {
        uint32_t y[TILE];
        TRANSFORM_OUTPUT(z[0][j], z[1][j], z[2][j], z[3][j], z[4][j], z[5][j], y[0], y[1], y[2], y[3]);
        int8_t *to = output;
        for (int32_t i = 0; i < corner->rows; i++, to += corner->row) {
            const int32_t sum = ((int32_t)(y[i] * INVERSE_OF_9) >> (EXPONENTS[i] + EXPONENTS[j])) + corner->bias;
            if (corner->stairs.limit == 0) {
                const int32_t value =
                    bb_requantize(sum, (int32_t)corner->stairs.offset, -(int32_t)corner->stairs.shift) + corner->zero_point;
                *to = bb_clamp_to_int8(value, corner->minimum, corner->maximum);
            } else {
                *to = bb_climb(&corner->stairs, sum, corner->minimum, corner->maximum);
            }
        }
    }
}

#if BB_ON_CORTEX_M0

_Static_assert(offsetof(bb_corner_t, bias) == 20 && offsetof(bb_corner_t, minimum) == 24 &&
                   offsetof(bb_corner_t, stairs) == 36 && offsetof(bb_stairs_t, limit) == 16,
               "the assembly below knows the layout of bb_corner_t");

/*
 * store_tile for channels with stairs: about 750 cycles for 16 outputs. Stack frame: Z, then Y and the sums, [6][4], at 0; corner
 * 96, end of the rows 100, minimum 104, maximum 108, words of a row that are not there 112. The bias is put into the sum at
 * points (1, 1), which every output has 1/36 of.
 */
__attribute__((naked, noinline)) static void climb_tile(__attribute__((unused)) const uint32_t *sums,
                                                        __attribute__((unused)) const bb_corner_t *corner) {
    __asm__ volatile(
        ".syntax unified\n"
        /* m0 .. m5 at `base` + i * `step` to z0 .. z3 in r1, r4, r5, r6. */
        ".macro bb_output_transform base, at, step, bias=0\n"
        "ldr r1, [\\base, #\\at + \\step]\n"
        ".if \\bias\n"
        "add r1, r8\n"
        ".endif\n"
        "ldr r2, [\\base, #\\at + 2 * \\step]\n"
        "adds r3, r1, r2\n"
        "subs r1, r1, r2\n"
        "ldr r2, [\\base, #\\at + 3 * \\step]\n"
        "ldr r4, [\\base, #\\at + 4 * \\step]\n"
        "adds r5, r2, r4\n"
        "subs r2, r2, r4\n"
        "lsls r4, r1, #1\n"
        "subs r4, r2, r4\n"
        "lsls r6, r2, #1\n"
        "subs r6, r6, r1\n"
        "ldr r1, [\\base, #\\at + 5 * \\step]\n"
        "lsls r2, r1, #1\n"
        "adds r1, r1, r2\n"
        "lsls r1, r1, #1\n"
        "adds r6, r6, r1\n"
        "ldr r1, [\\base, #\\at]\n"
        "lsls r2, r1, #1\n"
        "adds r1, r1, r2\n"
        "lsls r2, r3, #1\n"
        "subs r1, r1, r2\n"
        "lsls r1, r1, #1\n"
        "adds r1, r1, r5\n"
        "subs r5, r5, r3\n"
        ".endm\n"
        ".macro bb_output_row bias=0\n"
        "bb_output_transform r0, 0, 16, \\bias\n"
        "movs r3, r1\n"
        "stmia r7!, {r3-r6}\n"
        "adds r0, r0, #96\n"
        ".endm\n"
        ".macro bb_output_column at, exponent\n"
        "bb_output_transform sp, \\at, 16\n"
        "muls r1, r7, r1\n"
        "asrs r1, r1, #\\exponent + 3\n"
        "str r1, [sp, #\\at]\n"
        "muls r4, r7, r4\n"
        "asrs r4, r4, #\\exponent + 2\n"
        "str r4, [sp, #\\at + 16]\n"
        "muls r5, r7, r5\n"
        "asrs r5, r5, #\\exponent + 1\n"
        "str r5, [sp, #\\at + 32]\n"
        "muls r6, r7, r6\n"
        "asrs r6, r6, #\\exponent + 1\n"
        "str r6, [sp, #\\at + 48]\n"
        ".endm\n"
        /* The sum at r7 to its int8 at r6. r1: low, r2: high, r3: shift, r8: offset, r9: limit, r11: kink, r12: -jump. */
        ".macro bb_output_pixel number, landing\n"
        "ldmia r7!, {r4}\n"
        "cmp r4, r9\n"
        "bhs 5\\number\\()f\n"
        "movs r5, r4\n"
        "muls r5, r1, r5\n"
        "lsrs r5, r5, r3\n"
        ".if \\landing\n"
        "cmp r4, r11\n"
        "bhs 8\\number\\()f\n"
        "add r5, r12\n"
        "8\\number\\():\n"
        ".endif\n"
        "muls r4, r2, r4\n"
        "adds r4, r4, r5\n"
        "add r4, r8\n"
        "lsrs r4, r4, #24\n"
        "6\\number\\(): strb r4, [r6]\n"
        "add r6, r10\n"
        ".endm\n"
        ".macro bb_output_outside number\n"
        "5\\number\\(): cmp r4, #0\n"
        "ldr r4, [sp, #104]\n"
        "blt 6\\number\\()b\n"
        "ldr r4, [sp, #108]\n"
        "b 6\\number\\()b\n"
        ".endm\n"

        "push {r4-r7, lr}\n"
        "mov r4, r8\n"
        "mov r5, r9\n"
        "mov r6, r10\n"
        "mov r7, r11\n"
        "push {r4-r7}\n"
        "sub sp, #116\n"
        "str r1, [sp, #96]\n"
        "ldr r2, [r1, #20]\n"
        "movs r3, #36\n"
        "muls r2, r3, r2\n"
        "mov r8, r2\n"
        "mov r7, sp\n"
        "bb_output_row\n"
        "bb_output_row 1\n"
        "bb_output_row\n"
        "bb_output_row\n"
        "bb_output_row\n"
        "bb_output_row\n"
        "ldr r7, 40f\n"
        "bb_output_column 0, 3\n"
        "bb_output_column 4, 2\n"
        "bb_output_column 8, 1\n"
        "bb_output_column 12, 1\n"

        "ldr r0, [sp, #96]\n"
        "ldmia r0!, {r1-r6}\n" /* output, row, column, rows, columns, bias */
        "lsls r4, r4, #4\n"
        "add r4, sp\n"
        "str r4, [sp, #100]\n"
        "mov r10, r3\n"
        "muls r3, r5, r3\n"
        "subs r2, r2, r3\n"
        "mov lr, r2\n" /* from behind the last pixel of a row to the next row */
        "movs r6, #4\n"
        "subs r6, r6, r5\n"
        "lsls r6, r6, #2\n"
        "str r6, [sp, #112]\n"
        "mov r7, r5\n" /* columns */
        "mov r6, r1\n"
        "ldmia r0!, {r2-r4}\n"
        "str r2, [sp, #104]\n"
        "str r3, [sp, #108]\n"
        "ldmia r0!, {r1-r5}\n" /* low, high, shift, offset, limit */
        "mov r8, r4\n"
        "mov r9, r5\n"
        "ldmia r0!, {r4, r5}\n"
        "mov r11, r4\n"
        "negs r5, r5\n"
        "mov r12, r5\n"
        "movs r0, r7\n"
        "mov r7, sp\n"
        "cmp r4, #0\n"
        "bne 31f\n"
        "cmp r0, #4\n"
        "bne 31f\n"

        "10: bb_output_pixel 0, 0\n"
        "bb_output_pixel 1, 0\n"
        "bb_output_pixel 2, 0\n"
        "bb_output_pixel 3, 0\n"
        "add r6, lr\n"
        "ldr r4, [sp, #100]\n"
        "cmp r7, r4\n"
        "bne 10b\n"
        "b 99f\n"
        "bb_output_outside 0\n"
        "bb_output_outside 1\n"
        "bb_output_outside 2\n"
        "bb_output_outside 3\n"

        /* Rows that are cut, and stairs with a landing (without one, the kink is 0). */
        "31:\n"
        "bb_output_pixel 4, 1\n"
        "subs r0, r0, #1\n"
        "bne 31b\n"
        "b 32f\n"
        "bb_output_outside 4\n"
        "32:\n"
        "add r6, lr\n"
        "ldr r4, [sp, #112]\n"
        "adds r7, r7, r4\n"
        "ldr r0, [sp, #96]\n"
        "ldr r0, [r0, #16]\n"
        "ldr r4, [sp, #100]\n"
        "cmp r7, r4\n"
        "bne 31b\n"

        "99:\n"
        "add sp, #116\n"
        "pop {r4-r7}\n"
        "mov r8, r4\n"
        "mov r9, r5\n"
        "mov r10, r6\n"
        "mov r11, r7\n"
        "pop {r4-r7, pc}\n"
        ".align 2\n"
        "40: .word 0x38e38e39\n");
}

#else

static void climb_tile(const uint32_t *sums, const bb_corner_t *corner) {
    store_tile(sums, corner);
}

#endif

static int32_t least(int32_t a, int32_t b) {
    return a < b ? a : b;
}

/* Output rows `first` .. `end - 1`. Its frame is not on the stack while the packed kernel runs. */
__attribute__((noinline)) static void run_rows(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, int32_t first, int32_t end) {
    const bb_window_t *const w = &op->as.window;
    const uint32_t channels = bb_winograd_channels(w->input_channels);
    const uint32_t pairs = channels / 2u;
    const uint32_t taps = (9u * w->input_channels + 3u) & ~3u;
    const int32_t width = w->output_width;
    const int32_t outputs = w->output_channels;
    const int landing = bb_has_landing(op->minimum, op->output_zero_point);
    uint32_t *const scratch = (uint32_t *)(void *)(arena + w->scratch);
    const bb_workspace_t space = {
        .pairs = pairs,
        .filter = scratch,
        .intermediate = scratch + POINTS * pairs,
        .sums = scratch + 2u * POINTS * pairs,
        .tiles = scratch + 2u * POINTS * pairs + POINTS * LANES,
    };
    const uint32_t group_words = POINTS * channels * LANES;
    const int32_t batch = (int32_t)(LANES * bb_winograd_groups(channels));
    const int32_t per_row = (width + TILE - 1) / TILE;
    const int32_t tiles = per_row * ((end - first + TILE - 1) / TILE);

    for (int32_t begin = 0; begin < tiles; begin += batch) {
        const int32_t stop = least(begin + batch, tiles);
        int32_t row = begin / per_row;
        int32_t column = begin - row * per_row;
        const int32_t first_row = row;
        const int32_t first_column = column;
        for (int32_t tile = 0; tile < stop - begin; tile++) {
            uint32_t *const lane = space.tiles + (uint32_t)tile / LANES * group_words + (uint32_t)tile % LANES;
            load_tile(op, arena + op->input, first + TILE * row, TILE * column, &space, lane);
            if (++column == per_row) {
                column = 0;
                row++;
            }
        }
        const uint32_t *stream = (const uint32_t *)(const void *)(constants + w->weights);
        for (int32_t channel = 0; channel < outputs; channel++) {
            uint32_t *const unpacked = space.filter;
            const uint32_t *const tail = unpack_filter(stream, w->input_channels, taps, unpacked, pairs);
            bb_corner_t corner = {
                .row = width * outputs,
                .column = outputs,
                .bias = (int32_t)stream[0],
                .minimum = op->minimum,
                .maximum = op->maximum,
                .zero_point = op->output_zero_point,
                .stairs =
                    {
                        .low = stream[1] & 0xffffu,
                        .high = tail[0] & 0xffffffu,
                        .shift = tail[0] >> 24,
                        .offset = tail[1],
                        .limit = tail[2],
                        .kink = landing ? tail[3] : 0,
                        .jump = landing ? tail[4] : 0,
                    },
            };
            stream = tail + BB_STREAM_TAIL_WORDS + (landing ? BB_STREAM_LANDING_WORDS : 0);
            transform_filter(unpacked, 3u * pairs, space.intermediate, 3u * pairs, 3u * pairs);
            for (uint32_t i = 0; i < SIDE; i++) {
                transform_filter(space.intermediate + 3u * pairs * i, pairs, space.filter + SIDE * pairs * i, pairs, pairs);
            }
            row = first_row;
            column = first_column;
            for (int32_t tile = 0; tile < stop - begin; tile++) {
                const uint32_t lane = (uint32_t)tile % LANES;
                if (lane == 0) {
                    multiply(space.filter, space.tiles + (uint32_t)tile / LANES * group_words, space.sums, pairs);
                }
                const int32_t y = first + TILE * row;
                const int32_t x = TILE * column;
                corner.output = arena + op->output + (y * width + x) * outputs + channel;
                corner.rows = least(TILE, end - y);
                corner.columns = least(TILE, width - x);
                if (corner.stairs.limit == 0) {
                    store_tile(space.sums + lane, &corner);
                } else {
                    climb_tile(space.sums + lane, &corner);
                }
                if (++column == per_row) {
                    column = 0;
                    row++;
                }
            }
        }
    }
}

void bb_conv_2d_winograd(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first, uint32_t end) {
    /* One or two rows would cost as much as four: those are computed directly, from the same stream. */
    const uint32_t few = (end - first) % TILE <= 2u ? (end - first) % TILE : 0;
    if (end - few > first) {
        run_rows(op, constants, arena, (int32_t)first, (int32_t)(end - few));
    }
    if (few > 0) {
        bb_conv_2d_packed(op, constants, arena, end - few, end);
    }
}
