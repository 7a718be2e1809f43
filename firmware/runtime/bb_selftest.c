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

static void write_pattern(uint32_t round)
{
    uint8_t bytes[BB_SELFTEST_SCRATCH_BYTES];
    for (uint32_t index = 0; index < sizeof bytes; index++) {
        bytes[index] = pattern_byte(round, index);
    }
    bb_port_nvm_write(BB_SELFTEST_SCRATCH_OFFSET, bytes, sizeof bytes);
}

static bool is_pattern(uint32_t offset, uint32_t round, nvm_finding_t *finding)
{
    uint8_t bytes[BB_SELFTEST_SCRATCH_BYTES];
    bool same = true;
    bb_port_nvm_read(offset, bytes, sizeof bytes);
    for (uint32_t index = 0; index < sizeof bytes; index++) {
        uint8_t wrong = bytes[index] ^ pattern_byte(round, index);
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

/* The smallest distance at which the scratch area appears again, while it holds both patterns in turn; 0 = nowhere. */
static uint32_t test_nvm(uint32_t nvm_bytes, nvm_finding_t *finding)
{
    uint8_t kept[BB_SELFTEST_SCRATCH_BYTES];
    uint32_t aliases = 0; /* bit n: seen again at a distance of SMALLEST_NVM << n, in every round so far */
    bb_port_nvm_read(BB_SELFTEST_SCRATCH_OFFSET, kept, sizeof kept);
    for (uint32_t round = 0; round < 2; round++) {
        uint32_t seen = 0;
        write_pattern(round);
        (void)is_pattern(BB_SELFTEST_SCRATCH_OFFSET, round, finding);
        for (uint32_t bit = 0; SMALLEST_NVM << bit < nvm_bytes; bit++) {
            if (is_pattern(BB_SELFTEST_SCRATCH_OFFSET + (SMALLEST_NVM << bit), round, 0)) {
                seen |= 1u << bit;
            }
        }
        aliases = round == 0 ? seen : aliases & seen;
    }
    bb_port_nvm_write(BB_SELFTEST_SCRATCH_OFFSET, kept, sizeof kept);
    for (uint32_t bit = 0; bit < 32; bit++) {
        if ((aliases & 1u << bit) != 0) {
            return SMALLEST_NVM << bit;
        }
    }
    return 0;
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
