#include "bb_kernels.h"
#include "bb_requantize.h"

/* Head room that both inputs get before they are brought to a common scale, so that little is lost to rounding. */
#define INPUT_SHIFT 20

static inline int32_t to_common_scale(int32_t value, int32_t multiplier, int32_t shift) {
    return bb_requantize((int32_t)((uint32_t)value << INPUT_SHIFT), multiplier, shift);
}

void bb_add(const bb_operator_t *op, int8_t *arena, uint32_t first, uint32_t end) {
    const bb_add_t *const a = &op->as.add;
    const int8_t *const left = arena + op->input;
    const int8_t *const right = arena + a->input2;
    int8_t *const output = arena + op->output;
    const uint32_t stop = end * a->unit_elements;

    for (uint32_t i = first * a->unit_elements; i < stop; i++) {
        int32_t sum = to_common_scale(left[i] - op->input_zero_point, a->input_multiplier, a->input_shift) +
                      to_common_scale(right[i] - a->input2_zero_point, a->input2_multiplier, a->input2_shift);
        sum = bb_requantize(sum, a->output_multiplier, a->output_shift) + op->output_zero_point;
        output[i] = bb_clamp_to_int8(sum, op->minimum, op->maximum);
    }
}
