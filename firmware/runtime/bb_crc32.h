/* CRC-32 (IEEE 802.3) of SPEC.md, with a 16-entry table: half a byte per step, 64 bytes of flash. */
#ifndef BB_CRC32_H
#define BB_CRC32_H

#include <stdint.h>

/* CRC of `bytes` bytes; `previous` is the CRC of the data before them, 0 at the beginning. */
uint32_t bb_crc32(uint32_t previous, const void *data, uint32_t bytes);

#endif
