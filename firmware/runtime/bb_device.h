/*
 * The board's side of the serial link (firmware/SPEC.md section 6): answers every command, runs the plan task by task and
 * reports results. Portable: everything that touches hardware goes through bb_port.h.
 */
#ifndef BB_DEVICE_H
#define BB_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "bb_link.h"
#include "bb_runtime.h"

#define BB_FIRMWARE_MAJOR 0u
#define BB_FIRMWARE_MINOR 2u
#define BB_PROTOCOL_VERSION 1u

/* What is fixed for a kind of board: the maps of SPEC sections 1 and 2. Offsets and sizes in bytes. */
typedef struct bb_place {
    uint32_t board;
    uint32_t flash_bytes;
    uint32_t nvm_bytes;
    uint32_t arena_bytes;
    uint32_t image_offset;
    uint32_t image_capacity;
    uint32_t dataset_offset;
    uint32_t dataset_capacity;
} bb_place_t;

typedef struct bb_device {
    const bb_place_t *place;
    bb_runtime_t runtime;
    bb_link_receiver_t receiver;
    bool image_known;          /* the last full check still holds: nothing was erased or programmed since */
    bool dataset_known;
    bb_status_t image_status;  /* outcome of that check */
    bb_status_t dataset_status;
    uint32_t image_detail;
    uint32_t dataset_detail;
    uint8_t event_sequence;    /* of frames that the board sends of its own accord */
    bool result_sent;          /* the pending result was sent in this power cycle */
    uint32_t result_sent_micros;
    uint8_t result[BB_RESULT_CAPACITY];
    uint8_t encoded[BB_LINK_ENCODED_MAX];
} bb_device_t;

/*
 * Power-on: restores the progress record and announces a running run (BOOT) or a finished one (FINISHED). `arena` has
 * place->arena_bytes bytes, 16-byte aligned. Both must outlive the device.
 */
void bb_device_boot(bb_device_t *device, const bb_place_t *place, uint8_t *arena);

/* One turn: takes what was received, executes at most one task, repeats an unacknowledged result, else sleeps. */
void bb_device_turn(bb_device_t *device);

#endif
