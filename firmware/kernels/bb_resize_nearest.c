#include <string.h>

#include "bb_kernels.h"

/* Each row and each column of the output is one of the input; which, stands in two lists. */
void bb_resize_nearest(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first, uint32_t end) {
    const bb_resize_t *const r = &op->as.resize;
    const uint16_t *const rows = (const uint16_t *)(const void *)(constants + r->rows);
    const uint16_t *const columns = (const uint16_t *)(const void *)(constants + r->columns);
    const uint32_t channels = r->channels;
    int8_t *output = arena + op->output + first * r->output_width * channels;

    for (uint32_t y = first; y < end; y++) {
        const int8_t *const row = arena + op->input + rows[y] * r->input_width * channels;
        for (uint32_t x = 0; x < r->output_width; x++) {
            memcpy(output, row + columns[x] * channels, channels);
            output += channels;
        }
    }
}
