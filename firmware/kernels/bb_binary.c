#include "bb_kernels.h"
#include "bb_requantize.h"

/* As in bb_add.c. */
#define INPUT_SHIFT 20

/* ADD, SUB and MUL of two inputs of which each may be broadcast along rows, columns and channels: there its stride is 0. */
void bb_binary(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first, uint32_t end) {
    const bb_binary_t *const b = &op->as.binary;
    const int8_t *const left = arena + op->input;
    const int8_t *const right = b->right_is_constant ? (const int8_t *)(constants + b->input2) : arena + b->input2;
    int8_t *output = arena + op->output + first * b->columns * b->channels;

    for (uint32_t row = first; row < end; row++) {
        for (uint32_t column = 0; column < b->columns; column++) {
            const int8_t *x = left + row * b->strides[0] + column * b->strides[1];
            const int8_t *y = right + row * b->input2_strides[0] + column * b->input2_strides[1];
            for (uint32_t channel = 0; channel < b->channels; channel++) {
                const int32_t p = *x - op->input_zero_point;
                const int32_t q = *y - b->input2_zero_point;
                int32_t value;
                if (b->function == BB_MUL) {
                    value = p * q;
                } else {
                    const int32_t a =
                        bb_requantize((int32_t)((uint32_t)p << INPUT_SHIFT), b->input_multiplier, b->input_shift);
                    const int32_t c =
                        bb_requantize((int32_t)((uint32_t)q << INPUT_SHIFT), b->input2_multiplier, b->input2_shift);
                    value = b->function == BB_SUB_REVERSED ? c - a : b->function == BB_SUB ? a - c : a + c;
                }
                value = bb_requantize(value, b->output_multiplier, b->output_shift) + op->output_zero_point;
                *output++ = bb_clamp_to_int8(value, op->minimum, op->maximum);
                x += b->strides[2];
                y += b->input2_strides[2];
            }
        }
    }
}
