/* Outcome codes of the runtime and of the serial link: firmware/SPEC.md, section 6. */
#ifndef BB_STATUS_H
#define BB_STATUS_H

typedef enum bb_status {
    BB_OK = 0,
    BB_UNKNOWN_COMMAND = 1,
    BB_BAD_LENGTH = 2,
    BB_BAD_RANGE = 3,
    BB_FLASH_FAILED = 4,
    BB_IMAGE_MAGIC = 5,
    BB_IMAGE_VERSION = 6,
    BB_IMAGE_CHECKSUM = 7,
    BB_IMAGE_BOARD = 8,
    BB_IMAGE_ARENA = 9,
    BB_IMAGE_NVM = 10,
    BB_IMAGE_STRUCTURE = 11,
    BB_DATASET_BAD = 12,
    BB_SAMPLE_RANGE = 13,
    BB_BUSY = 14,
    BB_KERNELS_UNKNOWN = 15
} bb_status_t;

#endif
