/*
 * bb_packed_channels for the Cortex-M0+, in SRAM. Per output channel and block of 4 pixels: about 45 cycles, 43.5 for
 * every 4 taps (16 products, 2.7 cycles each), 25 per residual, 33 per output for the requantization.
 *
 * Sums: T0 and T1 (r4, r5) hold the products of one group of 4 taps, packed, plus 0x8000 so that the high half comes out
 * rounded; F (r8, r10) is the running sum of all T modulo 2^32, B (r9, r11) that of their high halves. With F = A + B *
 * 2^16 the sum of the low pixel is A = F - (B << 16), exactly; what the 0x8000 and the bias contribute to F is a constant
 * that the compiler puts in front of the weights.
 */
#include <stddef.h>

#include "bb_packed.h"

#if BB_ON_CORTEX_M0

_Static_assert(offsetof(bb_block_t, stream) == 4 && offsetof(bb_block_t, output) == 8 &&
                   offsetof(bb_block_t, channels) == 24 && offsetof(bb_block_t, taps) == 28 &&
                   offsetof(bb_block_t, zero_point) == 32 && sizeof(bb_block_t) == 44,
               "the assembly below knows the layout of bb_block_t");

/*
 * Stack frame: a copy of bb_block_t at sp, then multiplier (44) and shift (48) of the current channel, the caller's
 * block pointer (52).
 */
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
         * Sum in `from` to int8 at r3 + (word at sp + `offset`). r4, r5: low 16 and high 15 bits of the multiplier, r6:
         * shift, r7: zero point, r12: minimum. The sum is split with a signed low half so that no part overflows;
         * both roundings are the carry of the last bit shifted out (bb_requantize.h has the formulas).
         */
        ".macro bb_store_pixel from, offset\n"
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
        "1: ldr r0, [sp, #40]\n"
        "cmp r2, r0\n"
        "ble 2f\n"
        "mov r2, r0\n"
        "2:\n"
        ".if \\offset\n"
        "ldr r0, [sp, #\\offset]\n"
        "strb r2, [r3, r0]\n"
        ".else\n"
        "strb r2, [r3]\n"
        ".endif\n"
        ".endm\n"

        "push {r4-r7, lr}\n"
        "mov r4, r8\n"
        "mov r5, r9\n"
        "mov r6, r10\n"
        "mov r7, r11\n"
        "push {r4-r7}\n"
        "sub sp, #56\n"
        "str r0, [sp, #52]\n"
        "mov r1, sp\n"
        "ldmia r0!, {r2-r7}\n"
        "stmia r1!, {r2-r7}\n"
        "ldmia r0!, {r2-r6}\n"
        "stmia r1!, {r2-r6}\n"
        "ldr r7, [sp, #4]\n"

        "10:\n" /* next channel */
        "ldmia r7!, {r0-r3}\n"
        "mov r8, r0\n"
        "mov r10, r0\n"
        "mov r9, r1\n"
        "mov r11, r1\n"
        "str r2, [sp, #44]\n"
        "str r3, [sp, #48]\n"
        "movs r0, #128\n"
        "lsls r0, r0, #8\n"
        "mov r12, r0\n"
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
        "lsrs r0, r0, #8\n"
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

        "14:\n" /* lr = r7 = end of this channel in the stream */
        "mov r0, r9\n"
        "lsls r0, r0, #16\n"
        "mov r1, r8\n"
        "subs r1, r1, r0\n"
        "mov r8, r1\n"
        "mov r0, r11\n"
        "lsls r0, r0, #16\n"
        "mov r1, r10\n"
        "subs r1, r1, r0\n"
        "mov r10, r1\n"
        "ldr r5, [sp, #44]\n"
        "uxth r4, r5\n"
        "lsrs r5, r5, #16\n"
        "ldr r6, [sp, #48]\n" /* shifts look at the low byte only */
        "ldr r7, [sp, #32]\n"
        "ldr r3, [sp, #36]\n"
        "mov r12, r3\n"
        "ldr r3, [sp, #8]\n"
        /* Backwards, so that the last pixel there is wins over those that are not. */
        "bb_store_pixel r11, 20\n"
        "bb_store_pixel r10, 16\n"
        "bb_store_pixel r9, 12\n"
        "bb_store_pixel r8, 0\n"
        "adds r3, r3, #1\n"
        "str r3, [sp, #8]\n"
        "mov r7, lr\n"
        "ldr r0, [sp, #24]\n"
        "subs r0, r0, #1\n"
        "str r0, [sp, #24]\n"
        "beq 15f\n"
        "b 10b\n"

        "15:\n"
        "ldr r0, [sp, #52]\n"
        "str r7, [r0, #4]\n"
        "str r3, [r0, #8]\n"
        "add sp, #56\n"
        "pop {r4-r7}\n"
        "mov r8, r4\n"
        "mov r9, r5\n"
        "mov r10, r6\n"
        "mov r11, r7\n"
        "pop {r4-r7, pc}\n");
}

#endif
