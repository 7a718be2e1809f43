#include "bb_kernels.h"
#include "bb_requantize.h"

void bb_fully_connected(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first, uint32_t end) {
    const bb_fully_connected_t *const f = &op->as.fully_connected;
    const int32_t offset = -op->input_zero_point;
    const int8_t *const input = arena + op->input;
    const bb_channel_t *const channels = (const bb_channel_t *)(const void *)(constants + f->channels);
    const int8_t *weights = (const int8_t *)(constants + f->weights) + first * f->inputs;
    int8_t *const output = arena + op->output;

    for (uint32_t c = first; c < end; c++) {
        int32_t sum = channels[c].bias;
        for (uint32_t i = 0; i < f->inputs; i++) {
            sum += (input[i] + offset) * weights[i];
        }
        weights += f->inputs;
        sum = bb_requantize(sum, channels[c].multiplier, channels[c].shift) + op->output_zero_point;
        output[c] = bb_clamp_to_int8(sum, op->minimum, op->maximum);
    }
}
