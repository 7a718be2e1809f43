/* Which taps of a filter fall inside the input: a window hanging over the edge is clipped instead of padded. */
#ifndef BB_TAPS_H
#define BB_TAPS_H

#include <stdint.h>

/* Taps begin .. end - 1 read inside; begin >= end means none does. */
typedef struct bb_taps {
    int32_t begin;
    int32_t end;
} bb_taps_t;

/* `position`: where tap 0 reads (negative = before the edge); tap k reads at position + k * dilation, valid in 0 .. extent - 1. */
static inline bb_taps_t bb_taps_inside(int32_t position, int32_t extent, int32_t filter, int32_t dilation) {
    int32_t before = position < 0 ? -position : 0;
    int32_t room = extent - position;
    if (dilation != 1) { /* spares the usual case two divisions, which are slow on a Cortex-M0+ */
        before = (before + dilation - 1) / dilation;
        room = room > 0 ? (room + dilation - 1) / dilation : 0;
    }
    return (bb_taps_t){.begin = before, .end = room < filter ? room : filter};
}

#endif
