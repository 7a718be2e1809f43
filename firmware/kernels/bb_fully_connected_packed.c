/*
 * FULLY_CONNECTED, four output channels at a time. There is only one pixel, so two channels share a word instead: u0 + (u1 <<
 * 16) with u = weight + 128, since bytes become halves by a mask only when they are not signed. What the 128 adds, 128 times
 * the sum of the inputs, is taken off in what the sum of every group of four taps starts with. Modulo 2^32 it does not
 * matter that sums of u overflow on the way: at the end of a group they are sums of weights again, which do not.
 */
#include "bb_kernels.h"
#include "bb_packed.h"
#include "bb_requantize.h"

#define QUAD_CHANNELS 4u

/* What the assembly needs; the sums come back in `sums`, two channels each: both halves, high half. */
typedef struct bb_quad {
    const uint32_t *input; /* per group of 4 taps: what the sum starts with, 4 inputs */
    const uint32_t *weights;
    const uint32_t *end; /* of the weights */
    uint32_t sums[4];
} bb_quad_t;

#if BB_ON_CORTEX_M0

/*
 * 53.5 cycles for 4 taps of 4 channels: 3.4 per product. r8, r9: sums of the group for channels 0 and 1, 2 and 3; r10, r11 and
 * r12, lr: running sums as in bb_packed_channels_m0.c; r5: mask.
 */
__attribute__((naked)) BB_TIME_CRITICAL static void run_quad(__attribute__((unused)) bb_quad_t *quad) {
    __asm__ volatile(
        ".syntax unified\n"
        ".macro bb_two_taps\n"
        "ldmia r6!, {r0, r1}\n"
        "ldmia r7!, {r2, r3}\n"
        "lsrs r4, r2, #8\n"
        "ands r2, r2, r5\n"
        "ands r4, r4, r5\n"
        "muls r2, r0, r2\n"
        "add r8, r2\n"
        "muls r4, r1, r4\n"
        "add r8, r4\n"
        "lsrs r4, r3, #8\n"
        "ands r3, r3, r5\n"
        "ands r4, r4, r5\n"
        "muls r3, r0, r3\n"
        "add r9, r3\n"
        "muls r4, r1, r4\n"
        "add r9, r4\n"
        ".endm\n"
        ".macro bb_four_taps\n"
        "ldmia r6!, {r0}\n"
        "mov r8, r0\n"
        "mov r9, r0\n"
        "bb_two_taps\n"
        "bb_two_taps\n"
        "mov r0, r8\n"
        "add r10, r0\n"
        "asrs r0, r0, #16\n"
        "add r11, r0\n"
        "mov r0, r9\n"
        "add r12, r0\n"
        "asrs r0, r0, #16\n"
        "add lr, r0\n"
        ".endm\n"
        "push {r0, r4-r7, lr}\n"
        "mov r4, r8\n"
        "mov r5, r9\n"
        "mov r6, r10\n"
        "mov r7, r11\n"
        "push {r4-r7}\n"
        "mov r4, r0\n"
        "ldmia r4!, {r6, r7}\n"
        "ldr r5, [r4, #0]\n"
        "push {r5}\n"
        "ldr r0, [r4, #4]\n"
        "mov r10, r0\n"
        "ldr r0, [r4, #8]\n"
        "mov r11, r0\n"
        "ldr r0, [r4, #12]\n"
        "mov r12, r0\n"
        "ldr r0, [r4, #16]\n"
        "mov lr, r0\n"
        "movs r5, #255\n"
        "lsls r0, r5, #16\n"
        "orrs r5, r5, r0\n"
        "1:\n"
        "bb_four_taps\n"
        "ldr r0, [sp, #0]\n"
        "cmp r7, r0\n"
        "beq 2f\n"
        "bb_four_taps\n"
        "ldr r0, [sp, #0]\n"
        "cmp r7, r0\n"
        "bne 1b\n"
        "2:\n"
        "ldr r4, [sp, #20]\n"
        "mov r0, r10\n"
        "str r0, [r4, #12]\n"
        "mov r0, r11\n"
        "str r0, [r4, #16]\n"
        "mov r0, r12\n"
        "str r0, [r4, #20]\n"
        "mov r0, lr\n"
        "str r0, [r4, #24]\n"
        "add sp, #4\n"
        "pop {r4-r7}\n"
        "mov r8, r4\n"
        "mov r9, r5\n"
        "mov r10, r6\n"
        "mov r11, r7\n"
        "pop {r0, r4-r7, pc}\n");
}

#else

static void run_quad(bb_quad_t *q) {
    const uint32_t mask = 0x00ff00ffu;
    const uint32_t *input = q->input;
    for (const uint32_t *weights = q->weights; weights != q->end; weights += 4, input += 5) {
        uint32_t sums[2] = {input[0], input[0]};
        for (uint32_t pair = 0; pair < 2; pair++) {
            for (uint32_t half = 0; half < 2; half++) {
                const uint32_t word = weights[2 * half + pair];
                sums[pair] += (word & mask) * input[1 + 2 * half] + ((word >> 8) & mask) * input[2 + 2 * half];
            }
            q->sums[2 * pair] += sums[pair];
            q->sums[2 * pair + 1] += (uint32_t)((int32_t)sums[pair] >> 16);
        }
    }
}

#endif

/* Expands the inputs to words, every group of 4 behind what its sums start with: rounding, less 128 * the inputs in both halves. */
static BB_TIME_CRITICAL void expand(const int8_t *from, uint32_t count, uint32_t *to) {
    for (uint32_t i = 0; i < count; i += 4, to += 5) {
        uint32_t sum = 0;
        for (uint32_t j = 0; j < 4; j++) {
            const int32_t value = i + j < count ? from[i + j] : 0;
            to[1 + j] = (uint32_t)value;
            sum += (uint32_t)value;
        }
        to[0] = 0x8000u - 128u * 0x10001u * sum;
    }
}

BB_TIME_CRITICAL void bb_fully_connected_packed(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first,
                               uint32_t end) {
    const bb_fully_connected_t *const f = &op->as.fully_connected;
    const uint32_t groups = (f->inputs + 3u) / 4u;
    uint32_t *const input = (uint32_t *)(void *)(arena + f->scratch);
    int8_t *const output = arena + op->output;
    const uint32_t *const weights = (const uint32_t *)(const void *)(constants + f->weights);
    const bb_packed_channel_t *const channels = (const bb_packed_channel_t *)(const void *)(constants + f->channels);
    const uint32_t *const residuals = (const uint32_t *)(const void *)(constants + f->residuals);

    expand(arena + op->input, f->inputs, input);
    for (uint32_t quad = first & ~3u; quad < end; quad += QUAD_CHANNELS) {
        const bb_packed_channel_t *const channel = channels + quad;
        bb_quad_t q = {
            .input = input,
            .weights = weights + quad * groups,
            .end = weights + (quad + QUAD_CHANNELS) * groups,
        };
        for (uint32_t pair = 0; pair < 2; pair++) {
            const uint32_t low = (uint32_t)channel[2 * pair].bias;
            const uint32_t high = (uint32_t)channel[2 * pair + 1].bias;
            q.sums[2 * pair] = low + (high << 16) - 0x8000u * groups;
            q.sums[2 * pair + 1] = high;
        }
        run_quad(&q);
        for (uint32_t i = 0; i < QUAD_CHANNELS; i++) {
            if (quad + i < first || quad + i >= end) {
                continue;
            }
            const uint32_t high = q.sums[i | 1u];
            int32_t sum = (int32_t)(i & 1u ? high : q.sums[i] - (high << 16));
            for (uint32_t r = channel[i].residuals; r < channel[i + 1].residuals; r++) {
                const uint32_t tap = residuals[r] >> 16;
                sum += (int16_t)(residuals[r] & 0xffffu) * (int32_t)input[tap + tap / 4u + 1u];
            }
            const bb_multiplier_t multiplier = bb_split_multiplier(channel[i].multiplier, channel[i].shift);
            output[quad + i] = bb_clamp_to_int8(bb_requantize_split(sum, multiplier) + op->output_zero_point,
                                                op->minimum, op->maximum);
        }
    }
}
