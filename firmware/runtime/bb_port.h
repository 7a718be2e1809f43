/*
 * What the portable core asks of the place it runs on: a board, or the host build. Implemented once per place
 * (boards/<name>), linked statically; no function here may allocate.
 */
#ifndef BB_PORT_H
#define BB_PORT_H

#include <stdbool.h>
#include <stdint.h>

/* Reads `bytes` bytes of NVM from absolute offset `offset` to `destination`. */
void bb_port_nvm_read(uint32_t offset, void *destination, uint32_t bytes);

/* Writes `bytes` bytes to NVM. When it returns, they are non-volatile. A power failure may tear it at any byte. */
void bb_port_nvm_write(uint32_t offset, const void *source, uint32_t bytes);

#endif
