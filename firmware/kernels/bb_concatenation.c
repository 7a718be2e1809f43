#include <string.h>

#include "bb_kernels.h"

/* The bytes begin .. end - 1 of a run, through a table where the part has another scale than the output. */
static void copy_part(int8_t *to, const int8_t *from, uint32_t count, const int8_t *table) {
    if (table == NULL) {
        memcpy(to, from, count);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        to[i] = table[from[i] + 128];
    }
}

/* The output is runs of `total` bytes, each a run of every part; units may begin and end anywhere. */
void bb_concatenation(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first, uint32_t end) {
    const bb_concatenation_t *const k = &op->as.concatenation;
    const bb_part_t *const parts = (const bb_part_t *)(const void *)(constants + k->parts);
    uint32_t at = first * k->unit_elements;
    const uint32_t stop = end * k->unit_elements;

    while (at < stop) {
        const uint32_t run = at / k->total;
        uint32_t begin = run * k->total; /* of the part, in the output */
        for (uint32_t i = 0; i < k->part_count && at < stop; i++) {
            const bb_part_t *const part = &parts[i];
            const uint32_t part_end = begin + part->length;
            if (at < part_end) {
                const uint32_t until = part_end < stop ? part_end : stop;
                const int8_t *from = arena + part->input + run * part->length + (at - begin);
                const int8_t *table = part->table == BB_NO_TABLE ? NULL : (const int8_t *)(constants + part->table);
                copy_part(arena + op->output + at, from, until - at, table);
                at = until;
            }
            begin = part_end;
        }
    }
}
