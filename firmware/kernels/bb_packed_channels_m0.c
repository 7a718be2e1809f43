/*
 * bb_packed_channels for the Cortex-M0+, in SRAM. Per output channel and block of 4 pixels: about 105 cycles, 43.5 for
 * every 4 taps (16 products, 2.7 cycles each), 25 per residual.
 *
 * Sums: T0 and T1 (r4, r5) hold the products of one group of 4 taps, packed, plus 0x8000 so that the high half comes out
 * rounded; F (r8, r10) is the running sum of all T modulo 2^32, B (r9, r11) that of their high halves. With F = A + B *
 * 2^16 the sum of the low pixel is A = F - (B << 16), exactly; what the 0x8000 of all groups contribute to F is taken off
 * beforehand.
 */
#include <stddef.h>

#include "bb_packed.h"
#include "bb_requantize.h"

#if BB_ON_CORTEX_M0

_Static_assert(offsetof(bb_block_t, stream) == 4 && offsetof(bb_block_t, output) == 8 &&
                   offsetof(bb_block_t, channels) == 24 && offsetof(bb_block_t, taps) == 28 &&
                   offsetof(bb_block_t, zero_point) == 32 && sizeof(bb_block_t) == 48,
               "the assembly below knows the layout of bb_block_t");

typedef struct frame {
    bb_block_t block;
    uint32_t head;     /* 48: second word of the channel's head */
    uint32_t rounding; /* 52: 0x8000 per group */
    bb_block_t *caller;
    int32_t sums[BB_BLOCK]; /* 60, and what follows: of a channel without stairs */
    uint32_t multiplier, shift;
    uint32_t stream; /* 84: r7 while that has another use */
    uint32_t reserved;
} frame_t;

_Static_assert(offsetof(frame_t, sums) == 60 && sizeof(frame_t) == 92, "and that of the frame");

/* The channels that have no stairs: the arithmetic of the reference kernels. */
__attribute__((used)) BB_TIME_CRITICAL static void store_exactly(const frame_t *f) {
    const bb_multiplier_t multiplier = bb_split_multiplier((int32_t)f->multiplier, (int32_t)f->shift);
    for (uint32_t p = BB_BLOCK; p-- > 0;) {
        const int32_t sum = bb_requantize_split(f->sums[p], multiplier) + f->block.zero_point;
        f->block.output[p == 0 ? 0 : f->block.offset[p - 1]] =
            bb_clamp_to_int8(sum, f->block.minimum, f->block.maximum);
    }
}

__attribute__((naked)) BB_TIME_CRITICAL void bb_packed_channels(__attribute__((unused)) bb_block_t *block) {
    __asm__ volatile(
        ".syntax unified\n"

        /* First tap of a group, weight in the low byte of r3: products go straight to T. */
        ".macro bb_first_tap\n"
        "sxtb r2, r3\n"
        "ldmia r6!, {r4, r5}\n"
        "muls r4, r2, r4\n"
        "muls r5, r2, r5\n"
        "add r4, r12\n"
        "add r5, r12\n"
        ".endm\n"
        ".macro bb_next_tap\n"
        "asrs r3, r3, #8\n"
        "sxtb r2, r3\n"
        "ldmia r6!, {r0, r1}\n"
        "muls r0, r2, r0\n"
        "adds r4, r4, r0\n"
        "muls r1, r2, r1\n"
        "adds r5, r5, r1\n"
        ".endm\n"
        ".macro bb_last_tap\n"
        "asrs r3, r3, #8\n" /* the third shift: r3 is the sign-extended byte 3 */
        "ldmia r6!, {r0, r1}\n"
        "muls r0, r3, r0\n"
        "adds r4, r4, r0\n"
        "muls r1, r3, r1\n"
        "adds r5, r5, r1\n"
        ".endm\n"
        ".macro bb_group\n"
        "ldmia r7!, {r3}\n"
        "bb_first_tap\n"
        "bb_next_tap\n"
        "bb_next_tap\n"
        "bb_last_tap\n"
        "add r8, r4\n"
        "asrs r4, r4, #16\n"
        "add r9, r4\n"
        "add r10, r5\n"
        "asrs r5, r5, #16\n"
        "add r11, r5\n"
        ".endm\n"

        /*
         * Sum in r0 to int8 at r3 + (word at sp + `offset`): bb_stairs.h. r2: low, r4: high, r5: shift, r6: offset, lr:
         * limit.
         */
        ".macro bb_store_pixel number, offset, landing=0\n"
        "cmp r0, lr\n"
        "bhs 5\\number\\()f\n"
        "movs r1, r0\n"
        "muls r1, r2, r1\n"
        "lsrs r1, r1, r5\n"
        ".if \\landing\n"
        "cmp r0, r12\n"
        "bhs 8\\number\\()f\n"
        "subs r1, r1, r7\n"
        "8\\number\\():\n"
        ".endif\n"
        "muls r0, r4, r0\n"
        "adds r0, r0, r1\n"
        "adds r0, r0, r6\n"
        "lsrs r0, r0, #24\n"
        "6\\number\\():\n"
        ".if \\offset\n"
        "ldr r1, [sp, #\\offset]\n"
        "strb r0, [r3, r1]\n"
        ".else\n"
        "strb r0, [r3]\n"
        ".endif\n"
        ".endm\n"
        ".macro bb_outside number\n"
        "5\\number\\(): cmp r0, #0\n"
        "ldr r0, [sp, #36]\n"
        "blt 6\\number\\()b\n"
        "ldr r0, [sp, #40]\n"
        "b 6\\number\\()b\n"
        ".endm\n"
        /* Sum of the low pixel from F and B. */
        ".macro bb_low_pixel f, b\n"
        "mov r0, \\b\n"
        "lsls r0, r0, #16\n"
        "mov r1, \\f\n"
        "subs r0, r1, r0\n"
        ".endm\n"

        "push {r4-r7, lr}\n"
        "mov r4, r8\n"
        "mov r5, r9\n"
        "mov r6, r10\n"
        "mov r7, r11\n"
        "push {r4-r7}\n"
        "sub sp, #92\n"
        "str r0, [sp, #56]\n"
        "mov r1, sp\n"
        "ldmia r0!, {r2-r7}\n"
        "stmia r1!, {r2-r7}\n"
        "ldmia r0!, {r2-r7}\n"
        "stmia r1!, {r2-r7}\n"
        "lsls r3, r3, #13\n" /* taps / 4 * 0x8000 */
        "str r3, [sp, #52]\n"
        "ldr r7, [sp, #4]\n"
        "movs r0, #128\n"
        "lsls r0, r0, #8\n"
        "mov r12, r0\n"

        "10:\n" /* next channel */
        "ldmia r7!, {r0, r1}\n"
        "str r1, [sp, #48]\n"
        "mov r9, r0\n"
        "mov r11, r0\n"
        "lsls r1, r0, #16\n"
        "adds r0, r0, r1\n"
        "ldr r1, [sp, #52]\n"
        "subs r0, r0, r1\n"
        "mov r8, r0\n"
        "mov r10, r0\n"
        "ldr r6, [sp, #0]\n"
        "ldr r0, [sp, #28]\n"
        "adds r1, r7, r0\n"
        "mov lr, r1\n"
        "lsrs r0, r0, #3\n" /* carry: an odd number of groups */
        "bcs 12f\n"
        "11: bb_group\n"
        "12: bb_group\n"
        "cmp r7, lr\n"
        "bne 11b\n"

        "ldr r0, [sp, #48]\n"
        "lsrs r0, r0, #16\n"
        "beq 14f\n"
        "lsls r0, r0, #2\n"
        "adds r0, r0, r7\n"
        "mov lr, r0\n"
        "13:\n" /* residuals */
        "ldmia r7!, {r2}\n"
        "lsrs r3, r2, #16\n"
        "lsls r3, r3, #3\n"
        "ldr r6, [sp, #0]\n"
        "adds r6, r6, r3\n"
        "ldmia r6!, {r0, r1}\n"
        "sxth r2, r2\n"
        "muls r0, r2, r0\n"
        "muls r1, r2, r1\n"
        "add r8, r0\n"
        "add r0, r12\n"
        "asrs r0, r0, #16\n"
        "add r9, r0\n"
        "add r10, r1\n"
        "add r1, r12\n"
        "asrs r1, r1, #16\n"
        "add r11, r1\n"
        "cmp r7, lr\n"
        "bne 13b\n"

        "14:\n"
        "ldr r0, [sp, #48]\n"
        "uxth r2, r0\n"
        "ldmia r7!, {r4, r6}\n"
        "ldmia r7!, {r0}\n"
        "mov lr, r0\n"
        "lsrs r5, r4, #24\n"
        "lsls r4, r4, #8\n"
        "lsrs r4, r4, #8\n"
        "ldr r3, [sp, #8]\n"
        "cmp r0, #0\n"
        "bne 19f\n"
        "b 16f\n"
        "19:\n"
        "ldr r0, [sp, #44]\n"
        "cmp r0, #0\n"
        "bne 18f\n"
        /* Backwards, so that the last pixel there is wins over those that are not. */
        "mov r0, r11\n"
        "bb_store_pixel 3, 20\n"
        "bb_low_pixel r10, r11\n"
        "bb_store_pixel 2, 16\n"
        "mov r0, r9\n"
        "bb_store_pixel 1, 12\n"
        "bb_low_pixel r8, r9\n"
        "bb_store_pixel 0, 0\n"
        "17:\n"
        "adds r3, r3, #1\n"
        "str r3, [sp, #8]\n"
        "ldr r0, [sp, #24]\n"
        "subs r0, r0, #1\n"
        "str r0, [sp, #24]\n"
        "beq 21f\n"
        "b 10b\n"
        "21: b 15f\n"

        "bb_outside 3\n"
        "bb_outside 2\n"
        "bb_outside 1\n"
        "bb_outside 0\n"

        /* The same with a landing: r12: kink, r7: jump. */
        "18:\n"
        "ldmia r7!, {r0, r1}\n"
        "str r7, [sp, #84]\n"
        "mov r12, r0\n"
        "movs r7, r1\n"
        "mov r0, r11\n"
        "bb_store_pixel 13, 20, 1\n"
        "bb_low_pixel r10, r11\n"
        "bb_store_pixel 12, 16, 1\n"
        "mov r0, r9\n"
        "bb_store_pixel 11, 12, 1\n"
        "bb_low_pixel r8, r9\n"
        "bb_store_pixel 10, 0, 1\n"
        "ldr r7, [sp, #84]\n"
        "movs r0, #128\n"
        "lsls r0, r0, #8\n"
        "mov r12, r0\n"
        "b 17b\n"
        "bb_outside 13\n"
        "bb_outside 12\n"
        "bb_outside 11\n"
        "bb_outside 10\n"

        "16:\n"
        "str r6, [sp, #76]\n"
        "str r5, [sp, #80]\n"
        "bb_low_pixel r8, r9\n"
        "str r0, [sp, #60]\n"
        "mov r0, r9\n"
        "str r0, [sp, #64]\n"
        "bb_low_pixel r10, r11\n"
        "str r0, [sp, #68]\n"
        "mov r0, r11\n"
        "str r0, [sp, #72]\n"
        "mov r0, sp\n"
        "bl store_exactly\n"
        "movs r0, #128\n"
        "lsls r0, r0, #8\n"
        "mov r12, r0\n"
        "ldr r3, [sp, #8]\n"
        "ldr r0, [sp, #44]\n" /* over kink and jump, if they are there */
        "lsls r0, r0, #3\n"
        "adds r7, r7, r0\n"
        "b 17b\n"

        "15:\n"
        "ldr r0, [sp, #56]\n"
        "str r7, [r0, #4]\n"
        "str r3, [r0, #8]\n"
        "add sp, #92\n"
        "pop {r4-r7}\n"
        "mov r8, r4\n"
        "mov r9, r5\n"
        "mov r10, r6\n"
        "mov r11, r7\n"
        "pop {r4-r7, pc}\n");
}

#endif
