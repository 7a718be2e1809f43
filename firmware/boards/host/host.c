/*
 * The portable core as a WebAssembly module. The host gives it addresses in linear memory for everything a board has
 * (image, data set, arena, NVM) and drives it call by call. NVM is plain memory; a budget of bytes decides at which byte
 * of which write the power fails: the bytes before it stay, and control returns to the host through bb_host_power_failure,
 * which never comes back. The next power cycle is a new instance of the module on the same memory.
 */
#include <stddef.h>
#include <string.h>

#include "../../runtime/bb_fault.h"
#include "../../runtime/bb_port.h"
#include "../../runtime/bb_runtime.h"

#define EXPORT(name) __attribute__((export_name(#name)))

/* Ends this power cycle by throwing on the host's side. */
__attribute__((import_module("host"), import_name("powerFailure"), noreturn)) void bb_host_power_failure(void);

/* Tells the host of a write to NVM before its first byte is there. */
__attribute__((import_module("host"), import_name("nvmWrite"))) void bb_host_nvm_write(uint32_t offset,
                                                                                       const void *source,
                                                                                       uint32_t bytes);

/* What the board is to believe about its capacitor. */
__attribute__((import_module("host"), import_name("capacitorMillivolts"))) uint32_t bb_host_capacitor_millivolts(void);

static bb_runtime_t runtime;
static uint32_t detail;
static uint8_t *nvm;
/* NVM bytes that may still be written before the power fails; NO_LIMIT = never fails. */
#define NO_LIMIT 0xFFFFFFFFu
static uint32_t write_budget = NO_LIMIT;

static void write_now(uint32_t offset, const uint8_t *from, uint32_t bytes) {
    uint8_t *to = nvm + offset;
    const uint32_t written = bytes < write_budget ? bytes : write_budget;
    bb_host_nvm_write(offset, from, bytes);
    for (uint32_t i = 0; i < written; i++) {
        to[i] = from[i];
    }
    if (write_budget != NO_LIMIT) {
        write_budget -= written;
        if (written < bytes) {
            bb_host_power_failure();
        }
    }
}

#if BB_FAULT == BB_FAULT_COMMIT_BEFORE_DATA
/* A write-back cache without order: data waits until the next record has gone past it, or until somebody reads. */
#define DATA_BEGIN 0x0400u
static struct {
    uint32_t offset, bytes, at;
} waiting[256];
static uint8_t waiting_data[1u << 15];
static uint32_t waiting_count, waiting_bytes;

static void flush(void) {
    for (uint32_t i = 0; i < waiting_count; i++) {
        write_now(waiting[i].offset, waiting_data + waiting[i].at, waiting[i].bytes);
    }
    waiting_count = waiting_bytes = 0;
}

void bb_port_nvm_write(uint32_t offset, const void *source, uint32_t bytes) {
    const bool fits = waiting_count < sizeof waiting / sizeof waiting[0] && bytes <= sizeof waiting_data - waiting_bytes;
    if (offset < DATA_BEGIN) {
        write_now(offset, source, bytes);
        flush();
        return;
    }
    if (!fits) {
        flush();
        write_now(offset, source, bytes);
        return;
    }
    for (uint32_t i = 0; i < bytes; i++) {
        waiting_data[waiting_bytes + i] = ((const uint8_t *)source)[i];
    }
    waiting[waiting_count].offset = offset;
    waiting[waiting_count].bytes = bytes;
    waiting[waiting_count++].at = waiting_bytes;
    waiting_bytes += bytes;
}
#else
static void flush(void) {
}

void bb_port_nvm_write(uint32_t offset, const void *source, uint32_t bytes) {
    write_now(offset, source, bytes);
}
#endif

void bb_port_nvm_read(uint32_t offset, void *destination, uint32_t bytes) {
    const uint8_t *from = nvm + offset;
    uint8_t *to = destination;
    flush();
    for (uint32_t i = 0; i < bytes; i++) {
        to[i] = from[i];
    }
}

void bb_port_burst_begin(void) {
}

void bb_port_burst_read(const uint32_t *source, uint32_t *to, uint32_t words) {
    memcpy(to, source, words * sizeof *to);
}

uint32_t bb_port_burst_missing(uint32_t burst) {
    (void)burst;
    return 0;
}

void bb_port_burst_end(void) {
}

uint32_t bb_port_capacitor_millivolts(void) {
    return bb_host_capacitor_millivolts();
}

/* Time passes on the host only in what it answers next about the capacitor. */
void bb_port_rest_begin(void) {
}

void bb_port_rest_end(void) {
}

void bb_port_nap(uint32_t micros) {
    (void)micros;
}

/* The place: memory for the arena and the NVM, and the board number that images are checked against. */
EXPORT(configure)
void host_configure(uint8_t *arena, uint32_t arena_capacity, uint8_t *nvm_memory, uint32_t nvm_capacity, uint32_t board) {
    nvm = nvm_memory;
    runtime.arena = arena;
    runtime.arena_capacity = arena_capacity;
    runtime.nvm_capacity = nvm_capacity;
    runtime.board = board;
}

EXPORT(limitNvmWrites) void host_limit_nvm_writes(uint32_t bytes) {
    write_budget = bytes;
}

EXPORT(checkImage) uint32_t host_check_image(const uint8_t *image, uint32_t available) {
    return bb_image_check(image, available, runtime.board, runtime.arena_capacity, runtime.nvm_capacity, &detail);
}

EXPORT(checkDataset) uint32_t host_check_dataset(const uint8_t *dataset, uint32_t available) {
    return bb_dataset_check(dataset, available, &detail);
}

/* The `detail` of the last call that has one. */
EXPORT(detail) uint32_t host_detail(void) {
    return detail;
}

EXPORT(boot) void host_boot(const uint8_t *image, const uint8_t *dataset) {
    bb_boot(&runtime, image, dataset);
}

EXPORT(start) uint32_t host_start(uint32_t run_id, uint32_t first_sample, uint32_t inference_count) {
    return bb_start(&runtime, run_id, first_sample, inference_count, &detail);
}

EXPORT(stop) void host_stop(void) {
    bb_stop(&runtime);
}

EXPORT(advance) uint32_t host_advance(void) {
    return bb_advance(&runtime);
}

/* Inference number of the result that waits for its acknowledgement, or -1. */
EXPORT(pendingInference) int64_t host_pending_inference(void) {
    uint32_t inference;
    return bb_result_pending(&runtime, &inference) ? (int64_t)inference : -1;
}

EXPORT(readResult) uint32_t host_read_result(uint8_t *output, uint32_t capacity) {
    return bb_result_read(&runtime, output, capacity);
}

EXPORT(acknowledge) void host_acknowledge(uint32_t run_id, uint32_t inference) {
    bb_acknowledge(&runtime, run_id, inference);
}

/* Address of the record as this power cycle sees it: committed state plus what only RAM knows yet. */
EXPORT(record) const bb_record_t *host_record(void) {
    return &runtime.record;
}

/* What the board knows of its harvest, 12 bytes: with record and arena, all that decides how a run goes on. */
EXPORT(rest) const bb_rest_t *host_rest(void) {
    return &runtime.rest;
}
