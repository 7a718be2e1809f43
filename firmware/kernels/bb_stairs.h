/*
 * From a sum to its int8 in one step: SPEC.md section 3.1, "Stairs". The compiler has proved for every sum that a channel can
 * have that this gives the bits of bb_requantize, zero point and clamp included. It takes 9 cycles where those take 40.
 */
#ifndef BB_STAIRS_H
#define BB_STAIRS_H

#include <stdint.h>

/* Constants of one channel; `limit` 0: there is no such formula for it, and `offset` is a multiplier for bb_requantize. */
typedef struct bb_stairs {
    uint32_t low, high, shift, offset, limit;
    uint32_t kink, jump; /* 0 without a landing */
} bb_stairs_t;

/* Whether the stairs of an operator have a landing: only then kink and jump are stored. */
static inline int bb_has_landing(int32_t minimum, int32_t zero_point) {
    return minimum < zero_point;
}

/* `sum` counts from the channel's base. */
static inline int8_t bb_climb(const bb_stairs_t *s, int32_t sum, int32_t minimum, int32_t maximum) {
    const uint32_t x = (uint32_t)sum;
    if (x >= s->limit) {
        return (int8_t)(sum < 0 ? minimum : maximum);
    }
    const uint32_t offset = x < s->kink ? s->offset - s->jump : s->offset;
    return (int8_t)((x * s->high + ((x * s->low) >> s->shift) + offset) >> 24);
}

#endif
