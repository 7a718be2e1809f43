#include "bb_selftest.h"

#include <string.h>

#include "bb_port.h"

#define RESULT_VERSION 1u
#define FLAG_NVM_WRITTEN 1u
#define NOWHERE 0xffffffffu
#define SMALLEST_NVM 0x2000u
#define READINGS 16u

typedef struct nvm_finding {
    uint32_t wrong_bytes;
    uint32_t first_wrong;
    uint8_t wrong_bits;
} nvm_finding_t;

static void store_u32(uint8_t *bytes, uint32_t value)
{
    for (uint32_t index = 0; index < 4; index++) {
        bytes[index] = (uint8_t)(value >> (8 * index));
    }
}

/* Every bit both ways, and no two neighbouring bytes alike, so that a shifted or stuck address shows. */
static uint8_t pattern_byte(uint32_t round, uint32_t index)
{
    uint8_t value = (uint8_t)(index * 29u + 1u);
    return (round & 1u) != 0 ? (uint8_t)~value : value;
}

/* The scratch area is tested piece by piece: what it held is on the stack meanwhile. */
#define PIECE_BYTES 32u
_Static_assert(BB_SELFTEST_SCRATCH_BYTES % PIECE_BYTES == 0, "whole pieces");

static void write_pattern(uint32_t piece, uint32_t round)
{
    uint8_t bytes[PIECE_BYTES];
    for (uint32_t index = 0; index < PIECE_BYTES; index++) {
        bytes[index] = pattern_byte(round, piece + index);
    }
    bb_port_nvm_write(BB_SELFTEST_SCRATCH_OFFSET + piece, bytes, PIECE_BYTES);
}

/* Whether the pattern of the piece at `piece` of the scratch area is at `offset`. */
static bool is_pattern(uint32_t offset, uint32_t piece, uint32_t round, nvm_finding_t *finding)
{
    uint8_t bytes[PIECE_BYTES];
    bool same = true;
    bb_port_nvm_read(offset, bytes, PIECE_BYTES);
    for (uint32_t index = 0; index < PIECE_BYTES; index++) {
        uint8_t wrong = bytes[index] ^ pattern_byte(round, piece + index);
        if (wrong == 0) {
            continue;
        }
        same = false;
        if (finding) {
            finding->wrong_bytes++;
            finding->wrong_bits |= wrong;
            if (finding->first_wrong == NOWHERE) {
                finding->first_wrong = offset + index;
            }
        }
    }
    return same;
}

/* Distances, as bits n for SMALLEST_NVM << n, at which a piece appears again while it holds both patterns in turn. */
static uint32_t test_piece(uint32_t piece, uint32_t nvm_bytes, nvm_finding_t *finding)
{
    const uint32_t offset = BB_SELFTEST_SCRATCH_OFFSET + piece;
    uint8_t kept[PIECE_BYTES];
    uint32_t aliases = ~0u;
    bb_port_nvm_read(offset, kept, PIECE_BYTES);
    for (uint32_t round = 0; round < 2; round++) {
        uint32_t seen = 0;
        write_pattern(piece, round);
        (void)is_pattern(offset, piece, round, finding);
        for (uint32_t bit = 0; SMALLEST_NVM << bit < nvm_bytes; bit++) {
            if (is_pattern(offset + (SMALLEST_NVM << bit), piece, round, 0)) {
                seen |= 1u << bit;
            }
        }
        aliases &= seen;
    }
    bb_port_nvm_write(offset, kept, PIECE_BYTES);
    return aliases;
}

/* The smallest distance at which all of the scratch area appears again; 0 = nowhere. */
static uint32_t test_nvm(uint32_t nvm_bytes, nvm_finding_t *finding)
{
    uint32_t aliases = ~0u;
    for (uint32_t piece = 0; piece < BB_SELFTEST_SCRATCH_BYTES; piece += PIECE_BYTES) {
        aliases &= test_piece(piece, nvm_bytes, finding);
    }
    return aliases == 0 ? 0 : SMALLEST_NVM * (aliases & (0u - aliases));
}

void bb_selftest(uint32_t nvm_bytes, bool touch_nvm, uint32_t frames_received, uint32_t frames_broken, uint8_t *result)
{
    nvm_finding_t finding = {.first_wrong = NOWHERE};
    uint32_t alias = 0;
    memset(result, 0, BB_SELFTEST_BYTES);
    result[0] = RESULT_VERSION;
    bb_port_nvm_identify(result + 4);
    bb_port_flash_identify(result + 8);
    if (touch_nvm) {
        result[1] = FLAG_NVM_WRITTEN;
        alias = test_nvm(nvm_bytes, &finding);
    }
    store_u32(result + 12, finding.wrong_bytes);
    store_u32(result + 16, finding.first_wrong);
    store_u32(result + 20, finding.wrong_bits);
    store_u32(result + 24, alias);
    uint32_t sum = 0;
    uint32_t lowest = NOWHERE;
    uint32_t highest = 0;
    for (uint32_t reading = 0; reading < READINGS; reading++) {
        uint32_t millivolts = bb_port_capacitor_millivolts();
        sum += millivolts;
        lowest = millivolts < lowest ? millivolts : lowest;
        highest = millivolts > highest ? millivolts : highest;
    }
    store_u32(result + 28, sum / READINGS);
    store_u32(result + 32, lowest);
    store_u32(result + 36, highest);
    store_u32(result + 40, frames_received);
    store_u32(result + 44, frames_broken);
}
