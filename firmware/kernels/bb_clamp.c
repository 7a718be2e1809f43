#include "bb_kernels.h"
#include "bb_requantize.h"

void bb_clamp(const bb_operator_t *op, int8_t *arena, uint32_t first, uint32_t end) {
    const bb_clamp_t *const k = &op->as.clamp;
    const int8_t *const input = arena + op->input;
    int8_t *const output = arena + op->output;
    const uint32_t stop = end * k->unit_elements;

    for (uint32_t i = first * k->unit_elements; i < stop; i++) {
        const int32_t value = bb_requantize(input[i] - op->input_zero_point, k->multiplier, k->shift);
        output[i] = bb_clamp_to_int8(value + op->output_zero_point, op->minimum, op->maximum);
    }
}
