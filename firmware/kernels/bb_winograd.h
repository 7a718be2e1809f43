/*
 * Room that the Winograd kernel works in, for kernel and image check: SPEC.md section 3.1, kind 17. Channels are taken in pairs,
 * tiles of 4 x 4 outputs in groups of four.
 */
#ifndef BB_WINOGRAD_H
#define BB_WINOGRAD_H

#include <stdint.h>

#define BB_WINOGRAD_POINTS 36u /* of a tile, transformed: 6 x 6 */
#define BB_WINOGRAD_LANES 4u   /* tiles of a group */
/* Groups whose inputs are kept transformed while all output channels pass by: as many as this many bytes hold, 1 to 4. */
#define BB_WINOGRAD_TILE_BYTES 40960u

/* Input channels, an even number. */
static inline uint32_t bb_winograd_channels(uint32_t input_channels) {
    return (input_channels + 1u) & ~1u;
}

static inline uint32_t bb_winograd_groups(uint32_t channels) {
    const uint32_t fit = BB_WINOGRAD_TILE_BYTES / (4u * BB_WINOGRAD_POINTS * BB_WINOGRAD_LANES * channels);
    return fit < 1u ? 1u : fit > 4u ? 4u : fit;
}

/* Filter and one intermediate, two channels to a word; sums of a group; inputs of the groups. */
static inline uint64_t bb_winograd_scratch(uint32_t input_channels) {
    const uint32_t channels = bb_winograd_channels(input_channels);
    return 4u * (uint64_t)channels * BB_WINOGRAD_POINTS + 4u * BB_WINOGRAD_POINTS * BB_WINOGRAD_LANES +
           4u * (uint64_t)channels * BB_WINOGRAD_POINTS * BB_WINOGRAD_LANES * bb_winograd_groups(channels);
}

#endif
