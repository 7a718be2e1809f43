/*
 * What a board can find out about itself without a second instrument (firmware/SPEC.md section 6.1). It measures; what is
 * right and what to do about it, the host knows.
 */
#ifndef BB_SELFTEST_H
#define BB_SELFTEST_H

#include <stdbool.h>
#include <stdint.h>

/* NVM bytes that nothing but this test uses: SPEC section 2. */
#define BB_SELFTEST_SCRATCH_OFFSET 0x300u
#define BB_SELFTEST_SCRATCH_BYTES 256u
#define BB_SELFTEST_BYTES 48u

/*
 * Fills `result` (BB_SELFTEST_BYTES bytes, SPEC section 6.1). `nvm_bytes` is what the board should have. With
 * `touch_nvm` false, because a run is in progress, NVM is identified but not written.
 */
void bb_selftest(uint32_t nvm_bytes, bool touch_nvm, uint32_t frames_received, uint32_t frames_broken, uint8_t *result);

#endif
