#include "bb_kernels.h"

/* Every operator that makes one int8 of one int8: the compiler has computed what becomes of each value. */
void bb_table(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first, uint32_t end) {
    const bb_table_t *const t = &op->as.table;
    /* Indexed by the int8 itself. */
    const int8_t *const tables = (const int8_t *)(constants + t->tables) + 128;
    const int8_t *input = arena + op->input + first * t->unit_elements;
    int8_t *output = arena + op->output + first * t->unit_elements;
    const int8_t *const stop = arena + op->output + end * t->unit_elements;
    const uint32_t count = t->count;

    if (count == 1) {
        while (output != stop) {
            *output++ = tables[*input++];
        }
        return;
    }
    uint32_t channel = first * t->unit_elements % count;
    for (; output != stop; output++) {
        *output = tables[(int32_t)(channel << 8) + *input++];
        if (++channel == count) {
            channel = 0;
        }
    }
}
