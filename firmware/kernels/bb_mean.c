#include "bb_kernels.h"
#include "bb_requantize.h"

void bb_mean(const bb_operator_t *op, int8_t *arena, uint32_t first, uint32_t end) {
    const bb_mean_t *const m = &op->as.mean;
    int8_t *output = arena + op->output + first * m->inner;

    for (uint32_t outer = first; outer < end; outer++) {
        const int8_t *const block = arena + op->input + outer * m->reduced * m->inner;
        for (uint32_t inner = 0; inner < m->inner; inner++) {
            const int8_t *in = block + inner;
            int32_t sum = 0;
            for (uint32_t i = 0; i < m->reduced; i++) {
                sum += *in - op->input_zero_point;
                in += m->inner;
            }
            sum = bb_requantize(sum, m->multiplier, m->shift) + op->output_zero_point;
            *output++ = bb_clamp_to_int8(sum, op->minimum, op->maximum);
        }
    }
}
