/* Work that touches every kind of instruction: arithmetic, multiplication, shifts, loads and stores of all widths. */
#ifndef LOOP_H
#define LOOP_H

#include <stdint.h>

#define WORDS 64u

static inline uint32_t loop(uint32_t *words, uint32_t rounds)
{
    uint32_t state = 12345;
    for (uint32_t index = 0; index < WORDS; index++) {
        state = state * 1664525u + 1013904223u;
        words[index] = state;
    }
    for (uint32_t round = 0; round < rounds; round++) {
        for (uint32_t index = 1; index < WORDS; index++) {
            uint32_t left = words[index - 1];
            uint32_t right = words[index];
            if (left > right) {
                words[index - 1] = right;
                words[index] = left;
            }
            ((uint8_t *)words)[index] ^= (uint8_t)(left >> 7);
            ((uint16_t *)words)[index] += (uint16_t)(left * right);
        }
        state ^= words[round % WORDS] + round;
    }
    return state;
}

#endif
