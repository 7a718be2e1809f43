#include "bb_kernels.h"

void bb_pad(const bb_operator_t *op, int8_t *arena, uint32_t first, uint32_t end) {
    const bb_pad_t *const p = &op->as.pad;
    const int8_t *const input = arena + op->input;
    const int8_t value = (int8_t)p->value;
    int8_t *output = arena + op->output + first * p->output_width * p->output_channels;

    for (uint32_t y = first; y < end; y++) {
        const int32_t in_y = (int32_t)y - p->top;
        for (int32_t x = 0; x < p->output_width; x++) {
            const int32_t in_x = x - p->left;
            const int inside = in_y >= 0 && in_y < p->input_height && in_x >= 0 && in_x < p->input_width;
            const int32_t begin = p->front;
            const int32_t stop = inside ? begin + p->input_channels : begin;
            const int8_t *in = input;
            if (inside) {
                in += (in_y * p->input_width + in_x) * p->input_channels;
            }
            for (int32_t c = 0; c < p->output_channels; c++) {
                *output++ = c >= begin && c < stop ? *in++ : value;
            }
        }
    }
}
