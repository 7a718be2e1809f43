/* Image and data set as stored: SPEC.md sections 3 and 4. bb_runtime.h declares their checks. */
#ifndef BB_IMAGE_H
#define BB_IMAGE_H

#include <stdint.h>

#include "../kernels/bb_operator.h"

#define BB_IMAGE_MAGIC_VALUE 0x4D494242u
#define BB_DATASET_MAGIC_VALUE 0x53444242u
#define BB_IMAGE_VERSION_NUMBER 3u
#define BB_DATASET_VERSION_NUMBER 1u

/* Absolute NVM offsets, SPEC.md section 2. */
#define BB_NVM_RECORD_A 0x0000u
#define BB_NVM_RECORD_B 0x0080u
#define BB_NVM_LIGHT_A 0x0100u
#define BB_NVM_LIGHT_B 0x0110u
#define BB_NVM_RESULT_0 0x0400u
#define BB_NVM_RESULT_1 0x0800u
#define BB_NVM_ACTIVATIONS 0x1000u

/* Kernel sets of the header. */
#define BB_KERNELS_REFERENCE 0u
#define BB_KERNELS_FAST 1u

typedef struct bb_image_header {
    uint32_t magic;
    uint16_t version;
    uint16_t header_bytes;
    uint32_t image_bytes;
    uint32_t crc;
    uint32_t board;
    uint8_t strategy;
    uint8_t kernels;
    uint8_t light_commits; /* 0 or 1: tasks within an inference commit with a light record */
    uint8_t reserved0;
    uint8_t model_sha256[16];
    uint32_t arena_bytes;
    uint32_t nvm_bytes;
    uint32_t input_bytes;
    uint32_t output_bytes;
    uint32_t operators_offset;
    uint32_t operator_count;
    uint32_t tasks_offset;
    uint32_t task_count;
    uint32_t steps_offset;
    uint32_t step_count;
    uint32_t constants_offset;
    uint32_t constants_bytes;
    uint32_t bank_bytes; /* 0: one place for everything preserved; else size of each of two banks */
    uint16_t brown_out_millivolts; /* a board that runs has more: readings below are not believed */
    uint16_t rest_millivolts;      /* below, it is worth waiting for the capacitor if enough is harvested */
    uint16_t wake_millivolts;      /* until it has this much */
    uint16_t reserved1;
    uint32_t nap_micros; /* between two looks at the capacitor while resting; 0 = never rests */
    uint8_t reserved2[24];
} bb_image_header_t;

typedef struct bb_task {
    uint32_t restore_first;
    uint32_t restore_count;
    uint32_t step_first;
    uint32_t step_count;
    uint32_t save_first;
    uint32_t save_count;
    uint16_t commit_millivolts; /* BB_COMMIT_ALWAYS, or the capacitor voltage below which it is time to commit */
    uint8_t planned;            /* 1: commits also while the sensing is not trusted */
    uint8_t reserved0;
    uint16_t go_millivolts;    /* from here to the next task's end and its commit: with less, no further */
    uint16_t begin_millivolts; /* the same before this task, if it begins a power cycle or an inference */
    uint32_t left;             /* planned energy from this task to the inference's end, as the square of millivolts it costs */
    uint32_t reserved1;
} bb_task_t;

#define BB_COMMIT_ALWAYS 0u
/* Bounds of nap_micros: over the time that going to sleep takes, and short enough that a host never waits in vain. */
#define BB_NAP_MICROS_MIN 200u
#define BB_NAP_MICROS_MAX 50000u

enum { BB_STEP_EXECUTE = 0, BB_STEP_LOAD = 1, BB_STEP_SAVE = 2, BB_STEP_INPUT = 3, BB_STEP_OUTPUT = 4, BB_STEP_FETCH = 5, BB_STEP_SPILL = 6 };

typedef struct bb_step {
    uint8_t kind;
    uint8_t reserved;
    uint16_t op;    /* EXECUTE */
    uint32_t first; /* EXECUTE: first unit; else arena offset */
    uint32_t second; /* EXECUTE: end unit; INPUT: offset in the sample; NVM offset: LOAD, SAVE in the bank, FETCH, SPILL in all of it */
    uint32_t bytes;
} bb_step_t;

typedef struct bb_dataset_header {
    uint32_t magic;
    uint16_t version;
    uint16_t header_bytes;
    uint32_t total_bytes;
    uint32_t crc;
    uint32_t sample_count;
    uint32_t sample_bytes;
    uint8_t reserved[8];
} bb_dataset_header_t;

_Static_assert(sizeof(bb_image_header_t) == 128, "image header layout is fixed by SPEC.md");
_Static_assert(sizeof(bb_task_t) == 40, "task layout is fixed by SPEC.md");
_Static_assert(sizeof(bb_step_t) == 16, "step layout is fixed by SPEC.md");
_Static_assert(sizeof(bb_dataset_header_t) == 32, "data set layout is fixed by SPEC.md");

/* Views into a checked image, which starts at a multiple of 4. */
static inline const bb_image_header_t *bb_image_header(const uint8_t *image) {
    return (const bb_image_header_t *)(const void *)image;
}

static inline const bb_operator_t *bb_image_operators(const uint8_t *image) {
    return (const bb_operator_t *)(const void *)(image + bb_image_header(image)->operators_offset);
}

static inline const bb_task_t *bb_image_tasks(const uint8_t *image) {
    return (const bb_task_t *)(const void *)(image + bb_image_header(image)->tasks_offset);
}

static inline const bb_step_t *bb_image_steps(const uint8_t *image) {
    return (const bb_step_t *)(const void *)(image + bb_image_header(image)->steps_offset);
}

static inline const uint8_t *bb_image_constants(const uint8_t *image) {
    return image + bb_image_header(image)->constants_offset;
}

static inline const bb_dataset_header_t *bb_dataset_header(const uint8_t *dataset) {
    return (const bb_dataset_header_t *)(const void *)dataset;
}

#endif
