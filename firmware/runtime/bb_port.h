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

/*
 * Millivolts on the capacitor that feeds the board, as far as the place can tell. Nothing but time may depend on it: a plan
 * is right whatever this says. A place that cannot sense returns 0, which asks for every commit that a plan offers.
 */
uint32_t bb_port_capacitor_millivolts(void);

/*
 * Constants read in bursts, several times as fast as through a pointer and beside the core. From begin to end nothing but SRAM
 * may be read or executed, except by interrupt handlers that the place itself has seen to; a place without such limits may
 * copy. Only kernels use this.
 */
void bb_port_burst_begin(void);

/* Copies 1 .. 65536 words from constants to SRAM, when earlier ones are done; at most two may be under way. */
void bb_port_burst_read(const uint32_t *source, uint32_t *to, uint32_t words);

/* Of copy number `burst` since the beginning, from 1 on, at most so many of the last words are not there yet. 0 = all are. */
uint32_t bb_port_burst_missing(uint32_t burst);

/* Waits for the last copy. */
void bb_port_burst_end(void);

/*
 * Low power between begin and end: memory survives, the capacitor can be read, and nothing else works; in particular, what
 * the host sends is lost, as while the board is off. Between them the core calls nothing but these and the reading of the
 * capacitor. Whatever is being sent on the serial line leaves before begin returns.
 */
void bb_port_rest_begin(void);
void bb_port_rest_end(void);

/* Sleeps for `micros` microseconds, at least 50, as deeply as it can come back from in time. */
void bb_port_nap(uint32_t micros);

/*
 * What only a board implements: the serial command handler (bb_device.c) needs it, the host build does not link it.
 */

/* Erases `bytes` bytes of flash from absolute offset `offset`; both are multiples of 4096. False when it failed. */
bool bb_port_flash_erase(uint32_t offset, uint32_t bytes);

/* Programs `bytes` bytes at `offset`; no page (256 bytes) is crossed by more than the source goes on. False = failed. */
bool bb_port_flash_program(uint32_t offset, const uint8_t *source, uint32_t bytes);

/* The first 4 bytes with which the NVM chip answers to its identification command. */
void bb_port_nvm_identify(uint8_t *identity);

/* Manufacturer, type and capacity of the flash chip (JEDEC), 3 bytes. */
void bb_port_flash_identify(uint8_t *identity);

/* Where the CPU sees the flash byte at `offset`. */
const uint8_t *bb_port_flash_address(uint32_t offset);

/* Queues bytes on the serial line and returns at once; waits only while the queue is full. */
void bb_port_serial_send(const uint8_t *bytes, uint32_t count);

/* Takes at most `capacity` received bytes; returns how many there were. */
uint32_t bb_port_serial_receive(uint8_t *bytes, uint32_t capacity);

/* Microseconds since power-on, wrapping after 2^32. */
uint32_t bb_port_micros(void);

/* Sleeps until a byte is received or `micros` microseconds have passed, whichever comes first; may return early. */
void bb_port_wait(uint32_t micros);

#endif
