/*
 * The plan interpreter and the commit protocol (firmware/SPEC.md sections 2 to 5). The caller owns all memory; the core
 * has no heap and no state of its own besides bb_runtime_t.
 */
#ifndef BB_RUNTIME_H
#define BB_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>

#include "bb_status.h"

#define BB_RECORD_BYTES 128u
#define BB_LIGHT_RECORD_BYTES 16u
#define BB_RESULT_CAPACITY 1024u

/* States of a record, SPEC section 5. */
enum { BB_STATE_IDLE = 0, BB_STATE_RUNNING = 1, BB_STATE_FINISHED = 2, BB_STATE_STOPPED = 3 };

/* The progress record exactly as stored in NVM (SPEC section 5). */
typedef struct bb_record {
    uint32_t magic;
    uint32_t sequence;
    uint32_t run_id;
    uint32_t image_crc;
    uint32_t first_sample;
    uint32_t inference_count;
    uint32_t inference;
    uint32_t task;
    uint32_t acknowledged;
    uint8_t state;
    uint8_t reserved0[3];
    uint32_t power_cycles;
    uint32_t restores;
    uint32_t checkpoints;
    uint32_t tasks_executed;
    uint32_t tasks_reexecuted;
    uint32_t dataset_crc;
    uint64_t nvm_bytes_read;
    uint64_t nvm_bytes_written;
    uint8_t bank;    /* of the two NVM banks, the one that holds the state that `task` continues from */
    uint8_t starts;  /* starts of the board since the last commit of a task, at most 255 */
    uint8_t careful; /* 1: a whole power cycle passed without a commit, so planned commits are made whatever is sensed */
    uint8_t reserved2;
    uint32_t rests;         /* times the run waited for the capacitor with its memory alive */
    uint64_t rested_micros; /* and how long, all together */
    uint8_t reserved3[28];
    uint32_t crc;
} bb_record_t;

_Static_assert(sizeof(bb_record_t) == BB_RECORD_BYTES, "record layout is fixed by SPEC.md");

/* Continues a record by tasks of the same inference (SPEC section 5.1). */
typedef struct bb_light_record {
    uint32_t sequence;
    uint32_t nvm_bytes_read;    /* low word of the counter */
    uint32_t nvm_bytes_written; /* low word of the counter */
    uint32_t crc;               /* begins with the CRC of the record that it continues */
} bb_light_record_t;

_Static_assert(sizeof(bb_light_record_t) == BB_LIGHT_RECORD_BYTES, "light record layout is fixed by SPEC.md");

/* What the board knows of its harvest, for deciding when to rest. Lost with the power; only time depends on it. */
typedef struct bb_rest {
    uint16_t level;       /* rests below this many millivolts where it need not */
    uint8_t stalls;       /* times it waited in vain with too little to go on */
    bool known;           /* the next two hold */
    uint32_t from_square; /* square of the millivolts, and */
    uint32_t from_left;   /* planned energy left (bb_task_t), when it last began to work */
} bb_rest_t;

_Static_assert(sizeof(bb_rest_t) == 12, "the host reads it as bytes, which must all be defined");

typedef struct bb_runtime {
    bb_record_t record;      /* the state that the last commit made valid */
    uint8_t current_slot;    /* 0 = A, 1 = B: where that record is */
    bool arena_valid;        /* SRAM still holds what task `position` needs */
    uint32_t position;       /* while arena_valid: next task, at or after the record's, which is the next one committed */
    const uint8_t *image;    /* checked image, or NULL */
    const uint8_t *dataset;  /* checked data set, or NULL */
    bb_rest_t rest;
    uint8_t *arena;
    uint32_t arena_capacity;
    uint32_t nvm_capacity;
    uint32_t board;
} bb_runtime_t;

/* What one call of bb_advance did. */
typedef enum bb_event {
    BB_EVENT_NONE = 0,     /* nothing to do: idle, finished or stopped */
    BB_EVENT_TASK = 1,     /* one task was executed, and committed unless the plan leaves that to the voltage */
    BB_EVENT_RESULT = 2    /* one task was executed and committed, and it ended an inference: deliver the result */
} bb_event_t;

/* Checks an image of at most `available` bytes against this place's limits. `detail` gets the value of SPEC section 6. */
bb_status_t bb_image_check(const uint8_t *image, uint32_t available, uint32_t board, uint32_t arena_capacity,
                           uint32_t nvm_capacity, uint32_t *detail);

/* Checks a data set of at most `available` bytes. */
bb_status_t bb_dataset_check(const uint8_t *dataset, uint32_t available, uint32_t *detail);

/*
 * Power-on. `rt->arena`, capacities and board are set by the caller; finds the newest valid record, and if a run is in
 * progress counts this start in a new record. `image` and `dataset` may be NULL when they did not pass their check; a run
 * in progress with another image than it was started with goes to BB_STATE_STOPPED.
 */
void bb_boot(bb_runtime_t *rt, const uint8_t *image, const uint8_t *dataset);

/* Starts a run (any state but BB_STATE_RUNNING); counters start at zero. */
bb_status_t bb_start(bb_runtime_t *rt, uint32_t run_id, uint32_t first_sample, uint32_t inference_count,
                     uint32_t *detail);

/* Ends a running run: BB_STATE_STOPPED. */
void bb_stop(bb_runtime_t *rt);

/* Executes the next task of a running run and commits it as the plan says. Does nothing while a result waits for its acknowledgement. */
bb_event_t bb_advance(bb_runtime_t *rt);

/* True while the newest result has not been acknowledged; then `inference` and `output` (bytes returned) describe it. */
bool bb_result_pending(const bb_runtime_t *rt, uint32_t *inference);
uint32_t bb_result_read(bb_runtime_t *rt, uint8_t *output, uint32_t capacity);

/*
 * The host has result `inference` of run `run_id`. Noted in RAM, made durable by the next commit; after the last result it
 * is committed at once and the run becomes BB_STATE_FINISHED. Repeated and foreign acknowledgements are ignored.
 */
void bb_acknowledge(bb_runtime_t *rt, uint32_t run_id, uint32_t inference);

#endif
