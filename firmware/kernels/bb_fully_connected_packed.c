/*
 * FULLY_CONNECTED, four output channels at a time, with weights that come from flash as a stream while the core computes.
 *
 * There is only one pixel, so two channels share a word instead: u0 + (u1 << 16) with u = weight + 128, since bytes become
 * halves by a mask only when they are not signed. A word of weights W holds two taps of two channels, W = E + 256 * O; only O is
 * masked out, (W >> 8) & 0x00ff00ff, because E * x0 + O * x1 = W * x0 + O * (x1 - 256 * x0). What the 128 adds, 128 times
 * the sum of the inputs, is taken off the sum of every group of four taps. All of that modulo 2^32, where it does not matter what
 * overflows on the way: at the end of a group there are sums of weights again, and those fit.
 */
#include "bb_kernels.h"
#include "bb_packed.h"
#include "bb_requantize.h"
#include "bb_stream.h"

#define GROUP_TAPS 4u
#define GROUP_WORDS 5u /* of the inputs, as expand leaves them */

/* Running sums of a quad, two channels each: both halves, high half. The assembly knows the layout. */
typedef struct bb_quad {
    uint32_t sums[4];
} bb_quad_t;

/* How all channels' sums become outputs. The assembly knows the layout. */
typedef struct bb_scaling {
    int32_t multiplier, shift;
    int32_t zero_point, minimum, maximum;
} bb_scaling_t;

#if BB_ON_CORTEX_M0

/*
 * Adds `groups` > 0 groups. 47 cycles for 4 taps of 4 channels: 2.95 per product. r8, r9: half of a group's sums for channels 0
 * and 1, 2 and 3; r10, r11 and r12, lr: running sums as in bb_packed_channels_m0.c; r5: mask.
 */
__attribute__((naked)) BB_TIME_CRITICAL static void run_groups(__attribute__((unused)) bb_quad_t *quad,
                                                               __attribute__((unused)) const uint32_t *input,
                                                               __attribute__((unused)) const uint32_t *weights,
                                                               __attribute__((unused)) uint32_t groups) {
    __asm__ volatile(
        ".syntax unified\n"
        /* Two taps of two channels, their weights in \word: the sum stays there. */
        ".macro bb_two_taps word\n"
        "lsrs r4, \\word, #8\n"
        "muls \\word, r0, \\word\n"
        "ands r4, r4, r5\n"
        "muls r4, r1, r4\n"
        "adds \\word, \\word, r4\n"
        ".endm\n"
        ".macro bb_sum word, both, high\n"
        "adds \\word, \\word, r0\n"
        "add \\both, \\word\n"
        "asrs \\word, \\word, #16\n"
        "add \\high, \\word\n"
        ".endm\n"
        ".macro bb_group_of_taps\n"
        "ldmia r6!, {r0, r1}\n"
        "ldmia r7!, {r2, r3}\n"
        "bb_two_taps r2\n"
        "mov r8, r2\n"
        "bb_two_taps r3\n"
        "mov r9, r3\n"
        "ldmia r6!, {r0, r1}\n"
        "ldmia r7!, {r2, r3}\n"
        "bb_two_taps r2\n"
        "add r2, r8\n"
        "bb_two_taps r3\n"
        "add r3, r9\n"
        "ldmia r6!, {r0}\n"
        "bb_sum r2, r10, r11\n"
        "bb_sum r3, r12, lr\n"
        ".endm\n"
        "push {r0, r4-r7, lr}\n"
        "mov r4, r8\n"
        "mov r5, r9\n"
        "mov r6, r10\n"
        "mov r7, r11\n"
        "push {r4-r7}\n"
        "lsls r4, r3, #4\n"
        "adds r4, r4, r2\n"
        "push {r4}\n" /* end of the weights */
        "movs r6, r1\n"
        "movs r7, r2\n"
        "ldmia r0!, {r1, r2, r4, r5}\n"
        "mov r10, r1\n"
        "mov r11, r2\n"
        "mov r12, r4\n"
        "mov lr, r5\n"
        "movs r5, #255\n"
        "lsls r0, r5, #16\n"
        "orrs r5, r5, r0\n"
        "lsls r3, r3, #31\n" /* carry: an odd number of pairs of groups; negative: an odd number */
        "bcs 2f\n"
        "bmi 3f\n"
        "b 0f\n"
        "2: bmi 1f\n"
        "b 4f\n"
        "0: bb_group_of_taps\n"
        "1: bb_group_of_taps\n"
        "4: bb_group_of_taps\n"
        "3: bb_group_of_taps\n"
        "ldr r0, [sp, #0]\n"
        "cmp r7, r0\n"
        "beq 5f\n"
        "b 0b\n"
        "5:\n"
        "ldr r4, [sp, #20]\n"
        "mov r0, r10\n"
        "mov r1, r11\n"
        "mov r2, r12\n"
        "mov r3, lr\n"
        "stmia r4!, {r0-r3}\n"
        "add sp, #4\n"
        "pop {r4-r7}\n"
        "mov r8, r4\n"
        "mov r9, r5\n"
        "mov r10, r6\n"
        "mov r11, r7\n"
        "pop {r0, r4-r7, pc}\n");
}

/*
 * Outputs of a quad: 33 cycles each. r8 .. r11: sums, r4, r5: low 16 and high 15 bits of the multiplier, r6: shift, r7: zero
 * point, r12: minimum, lr: maximum. The formulas are those of bb_requantize_split, roundings the carry of a shift.
 */
__attribute__((naked)) BB_TIME_CRITICAL static void finish_quad(__attribute__((unused)) const bb_quad_t *quad,
                                                                __attribute__((unused)) const bb_scaling_t *scaling,
                                                                __attribute__((unused)) int8_t *output) {
    __asm__ volatile(
        ".syntax unified\n"
        ".macro bb_store_channel from, offset\n"
        "mov r0, \\from\n"
        "sxth r1, r0\n"
        "subs r0, r0, r1\n"
        "asrs r0, r0, #16\n"
        "movs r2, r1\n"
        "muls r2, r4, r2\n"
        "asrs r2, r2, #16\n"
        "muls r1, r5, r1\n"
        "adds r2, r2, r1\n"
        "movs r1, r0\n"
        "muls r1, r4, r1\n"
        "adds r2, r2, r1\n"
        "muls r0, r5, r0\n"
        "asrs r2, r2, #15\n"
        "adcs r2, r2, r0\n"
        "adds r2, r2, r0\n"
        "asrs r1, r2, #31\n" /* ties away from zero: a negative value is one less before it is rounded up */
        "adds r2, r2, r1\n"
        "asrs r2, r2, r6\n"
        "adcs r2, r2, r7\n"
        "cmp r2, r12\n"
        "bge 1f\n"
        "mov r2, r12\n"
        "1: cmp r2, lr\n"
        "ble 2f\n"
        "mov r2, lr\n"
        "2: strb r2, [r3, #\\offset]\n"
        ".endm\n"
        "push {r4-r7, lr}\n"
        "mov r4, r8\n"
        "mov r5, r9\n"
        "mov r6, r10\n"
        "mov r7, r11\n"
        "push {r4-r7}\n"
        "movs r3, r2\n"
        "ldmia r0!, {r4-r7}\n"
        "mov r9, r5\n"
        "mov r11, r7\n"
        "lsls r5, r5, #16\n"
        "subs r4, r4, r5\n"
        "mov r8, r4\n"
        "lsls r7, r7, #16\n"
        "subs r6, r6, r7\n"
        "mov r10, r6\n"
        "ldmia r1!, {r5, r6, r7}\n"
        "ldmia r1!, {r0, r2}\n"
        "mov r12, r0\n"
        "mov lr, r2\n"
        "uxth r4, r5\n"
        "lsrs r5, r5, #16\n"
        "bb_store_channel r8, 0\n"
        "bb_store_channel r9, 1\n"
        "bb_store_channel r10, 2\n"
        "bb_store_channel r11, 3\n"
        "pop {r4-r7}\n"
        "mov r8, r4\n"
        "mov r9, r5\n"
        "mov r10, r6\n"
        "mov r11, r7\n"
        "pop {r4-r7, pc}\n");
}

#else

static void run_groups(bb_quad_t *q, const uint32_t *input, const uint32_t *weights, uint32_t groups) {
    const uint32_t mask = 0x00ff00ffu;
    for (; groups > 0; groups--, weights += 4, input += GROUP_WORDS) {
        for (uint32_t pair = 0; pair < 2; pair++) {
            const uint32_t first = weights[pair], second = weights[2 + pair];
            const uint32_t sum = first * input[0] + ((first >> 8) & mask) * input[1] + second * input[2] +
                                 ((second >> 8) & mask) * input[3] + input[4];
            q->sums[2 * pair] += sum;
            q->sums[2 * pair + 1] += (uint32_t)((int32_t)sum >> 16);
        }
    }
}

static inline int8_t scaled(int32_t sum, const bb_scaling_t *s) {
    const int32_t value = bb_requantize_split(sum, bb_split_multiplier(s->multiplier, s->shift)) + s->zero_point;
    return bb_clamp_to_int8(value, s->minimum, s->maximum);
}

static void finish_quad(const bb_quad_t *q, const bb_scaling_t *s, int8_t *output) {
    output[0] = scaled((int32_t)(q->sums[0] - (q->sums[1] << 16)), s);
    output[1] = scaled((int32_t)q->sums[1], s);
    output[2] = scaled((int32_t)(q->sums[2] - (q->sums[3] << 16)), s);
    output[3] = scaled((int32_t)q->sums[3], s);
}

#endif

/*
 * Expands the inputs to words: x0, x1 - 256 * x0, the same of the next two, and what is added to the sum of the four: rounding,
 * less 128 * the inputs in both halves.
 */
static inline void expand_group(const int8_t *from, uint32_t *to) {
    const int32_t a = from[0], b = from[1], c = from[2], d = from[3];
    const uint32_t sum = (uint32_t)(a + b + c + d) << 7;
    to[0] = (uint32_t)a;
    to[1] = (uint32_t)b - ((uint32_t)a << 8);
    to[2] = (uint32_t)c;
    to[3] = (uint32_t)d - ((uint32_t)c << 8);
    to[4] = 0x8000u - sum - (sum << 16);
}

static BB_TIME_CRITICAL void expand(const int8_t *from, uint32_t count, uint32_t *to) {
    for (; count >= GROUP_TAPS; count -= GROUP_TAPS, from += GROUP_TAPS, to += GROUP_WORDS) {
        expand_group(from, to);
    }
    if (count > 0) {
        int8_t last[GROUP_TAPS] = {0, 0, 0, 0};
        for (uint32_t i = 0; i < count; i++) {
            last[i] = from[i];
        }
        expand_group(last, to);
    }
}

/* What the kernel needs of the operator's record, which is in flash. */
typedef struct bb_layer {
    const int8_t *input;
    const uint32_t *expanded;
    int8_t *output;
    uint32_t first, end; /* units */
    uint32_t groups;
    uint32_t residual_units;
    bb_scaling_t scaling; /* shift 0: each channel has its own */
} bb_layer_t;

/* Four words of the stream, of which there is more than one unit. */
static inline const uint32_t *next_unit(bb_stream_t *stream) {
    (void)bb_stream_units(stream, 1);
    const uint32_t *const unit = stream->at;
    stream->at += BB_STREAM_UNIT_WORDS;
    return unit;
}

/* Adds what is too much for a group of taps; those that fill up a unit have weight 0. */
static BB_TIME_CRITICAL void add_residuals(const int8_t *input, bb_stream_t *stream, uint32_t units, int32_t *sums) {
    for (; units > 0; units--) {
        const uint32_t *const unit = next_unit(stream);
        for (uint32_t i = 0; i < BB_STREAM_UNIT_WORDS; i++) {
            sums[(unit[i] >> 8) & 3u] += (int8_t)(unit[i] & 0xffu) * input[unit[i] >> 10];
        }
    }
}

static BB_TIME_CRITICAL void run_quad(const bb_layer_t *l, bb_stream_t *stream, uint32_t quad) {
    bb_scaling_t own[BB_QUAD_CHANNELS];
    const uint32_t *unit = next_unit(stream);
    int32_t sums[BB_QUAD_CHANNELS] = {(int32_t)unit[0] >> 2, (int32_t)unit[1] >> 2, (int32_t)unit[2] >> 2,
                                      (int32_t)unit[3] >> 2};
    const uint32_t residuals = (unit[0] & 3u) + ((unit[1] & 3u) << 2) + ((unit[2] & 3u) << 4) + ((unit[3] & 3u) << 6);
    if (l->scaling.shift == 0) {
        unit = next_unit(stream);
        for (uint32_t i = 0; i < BB_QUAD_CHANNELS; i++) {
            own[i].multiplier = (int32_t)unit[i];
            own[i].zero_point = l->scaling.zero_point;
            own[i].minimum = l->scaling.minimum;
            own[i].maximum = l->scaling.maximum;
        }
        unit = next_unit(stream);
        for (uint32_t i = 0; i < BB_QUAD_CHANNELS; i++) {
            own[i].shift = (int32_t)unit[i];
        }
    }
    if (residuals > 0) {
        add_residuals(l->input, stream, residuals * l->residual_units, sums);
    }
    const uint32_t rounding = l->groups << 15;
    bb_quad_t q = {{(uint32_t)sums[0] + ((uint32_t)sums[1] << 16) - rounding, (uint32_t)sums[1],
                    (uint32_t)sums[2] + ((uint32_t)sums[3] << 16) - rounding, (uint32_t)sums[3]}};
    const uint32_t *input = l->expanded;
    for (uint32_t left = l->groups; left > 0;) {
        const uint32_t groups = bb_stream_units(stream, left);
        run_groups(&q, input, stream->at, groups);
        stream->at += BB_STREAM_UNIT_WORDS * groups;
        input += GROUP_WORDS * groups;
        left -= groups;
    }
    if (l->scaling.shift != 0 && quad >= l->first && quad + BB_QUAD_CHANNELS <= l->end) {
        finish_quad(&q, &l->scaling, l->output + quad);
        return;
    }
    for (uint32_t i = 0; i < BB_QUAD_CHANNELS; i++) {
        int8_t outputs[BB_QUAD_CHANNELS];
        finish_quad(&q, l->scaling.shift != 0 ? &l->scaling : &own[i], outputs);
        if (quad + i >= l->first && quad + i < l->end) {
            l->output[quad + i] = outputs[i];
        }
    }
}

BB_TIME_CRITICAL void bb_fully_connected_packed(const bb_operator_t *op, const uint8_t *constants, int8_t *arena,
                                                uint32_t first, uint32_t end) {
    const bb_fully_connected_t *const f = &op->as.fully_connected;
    const uint32_t *const quads = (const uint32_t *)(const void *)(constants + f->channels);
    const uint32_t inputs = f->inputs;
    const uint32_t from = quads[first / BB_QUAD_CHANNELS];
    const uint32_t words = quads[(end + BB_QUAD_CHANNELS - 1u) / BB_QUAD_CHANNELS] - from;
    uint32_t *const expanded = (uint32_t *)(void *)(arena + f->scratch + f->buffer_bytes);
    const bb_layer_t layer = {
        .input = arena + op->input,
        .expanded = expanded,
        .output = arena + op->output,
        .first = first,
        .end = end,
        .groups = (inputs + GROUP_TAPS - 1u) / GROUP_TAPS,
        .residual_units = f->residual_units,
        .scaling =
            {
                .multiplier = f->multiplier,
                .shift = f->shift,
                .zero_point = op->output_zero_point,
                .minimum = op->minimum,
                .maximum = op->maximum,
            },
    };
    const uint32_t *const stream_at = (const uint32_t *)(const void *)(constants + f->weights) + from;
    void *const buffer = arena + f->scratch;

    bb_stream_t stream;
    bb_stream_open(&stream, stream_at, words, buffer, f->buffer_bytes); /* from here on op, f and quads are out of reach */
    expand(layer.input, inputs, expanded);
    for (uint32_t quad = first & ~(BB_QUAD_CHANNELS - 1u); quad < end; quad += BB_QUAD_CHANNELS) {
        run_quad(&layer, &stream, quad);
    }
    bb_stream_close(&stream);
}
