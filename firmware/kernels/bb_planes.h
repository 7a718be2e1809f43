/* What the planes of the fast DEPTHWISE_CONV_2D hold, for kernel and image check: SPEC.md section 3.1, kind 12. */
#ifndef BB_PLANES_H
#define BB_PLANES_H

#include <stdint.h>

/* Words of a row, and the most rows there are. */
#define BB_PLANE_COLUMNS 66
#define BB_PLANE_ROWS 34u
/* Kept for each row beside it. */
#define BB_PLANE_ROW_RECORD_BYTES 16u

/* An output channel of the stream. Weights row by row. */
typedef struct bb_depthwise_record {
    int32_t bias; /* counted from the base of the stairs, zero point of the input folded in */
    uint16_t low;
    uint8_t shift;
    int8_t weight_0;
    uint32_t high, offset, limit;
    int8_t weights[8];
    uint32_t landing[2]; /* kink and jump, only of stairs with a landing */
} bb_depthwise_record_t;

_Static_assert(sizeof(bb_depthwise_record_t) == 36, "layout is fixed by SPEC.md");

static inline uint32_t bb_depthwise_record_bytes(int landing) {
    return landing ? 36u : 28u;
}

/* Pairs of output rows that one plane is enough for. */
static inline uint32_t bb_plane_pairs(uint32_t stride, uint32_t dilation) {
    return dilation == 1 ? (BB_PLANE_ROWS - 3u) / stride + 1u : 1u;
}

/* Output columns that one plane is enough for. */
static inline uint32_t bb_plane_outputs(uint32_t stride) {
    return (BB_PLANE_COLUMNS - 3u) / stride + 1u;
}

/* Of the largest plane of an operator. */
static inline uint32_t bb_plane_scratch(uint32_t outputs, uint32_t stride, uint32_t dilation) {
    const uint32_t pairs = bb_plane_pairs(stride, dilation);
    const uint32_t needed = (outputs + 1u) / 2u;
    const uint32_t rows = ((needed < pairs ? needed : pairs) - 1u) * stride + 3u;
    return rows * (4u * BB_PLANE_COLUMNS + BB_PLANE_ROW_RECORD_BYTES);
}

#endif
