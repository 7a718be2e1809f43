/*
 * The frames of the serial link (firmware/SPEC.md section 6): COBS, terminated by one zero byte, with a CRC-32 inside.
 * Portable and without state of its own; the caller owns every buffer.
 */
#ifndef BB_LINK_H
#define BB_LINK_H

#include <stdbool.h>
#include <stdint.h>

#define BB_LINK_PAYLOAD_MAX 1160u                            /* the longest: RESULT, 4 + 128 + 1024, rounded up */
#define BB_LINK_FRAME_MAX (BB_LINK_PAYLOAD_MAX + 6u)         /* type, sequence, payload, CRC */
#define BB_LINK_ENCODED_MAX (BB_LINK_FRAME_MAX + BB_LINK_FRAME_MAX / 254u + 2u)

/* Commands to the board. */
enum {
    BB_IDENTIFY = 0x01,
    BB_STOP = 0x02,
    BB_ERASE = 0x03,
    BB_PROGRAM = 0x04,
    BB_CHECKSUM = 0x05,
    BB_CHECK_IMAGE = 0x06,
    BB_RUN = 0x07,
    BB_ACKNOWLEDGE = 0x08,
    BB_SELF_TEST = 0x09,
    BB_ECHO = 0x0a
};

/* Frames to the host. */
enum {
    BB_IDENTITY = 0x81,
    BB_STATUS = 0x82,
    BB_CHECKSUM_IS = 0x83,
    BB_BOOT = 0x84,
    BB_RESULT = 0x85,
    BB_FINISHED = 0x86,
    BB_SELF_TEST_IS = 0x87,
    BB_ECHO_IS = 0x88
};

/* Receive state: one frame is collected, decoded as it comes in. */
typedef struct bb_link_receiver {
    uint8_t frame[BB_LINK_FRAME_MAX];
    uint32_t length;        /* decoded bytes so far */
    uint8_t block;          /* data bytes left in the current COBS block */
    bool started;           /* a first code byte was seen since the last zero */
    bool zero_due;          /* the current block ends with an implied zero if another block follows */
    bool overflow;          /* too long: ignored up to the next zero */
    uint32_t whole_frames;  /* since bb_link_start */
    uint32_t broken_frames; /* dropped: too long, cut, or with a wrong CRC */
} bb_link_receiver_t;

/* A decoded frame; points into the receiver and is valid until the next byte is given to it. */
typedef struct bb_link_frame {
    uint8_t type;
    uint8_t sequence;
    const uint8_t *payload;
    uint32_t length;
} bb_link_frame_t;

void bb_link_start(bb_link_receiver_t *receiver);

/* Takes one byte. True when it completed a frame with a right CRC; a broken frame is dropped without a word. */
bool bb_link_take(bb_link_receiver_t *receiver, uint8_t byte, bb_link_frame_t *frame);

/*
 * Builds a frame from a payload of two parts (either may be empty; together at most BB_LINK_PAYLOAD_MAX) into `encoded`
 * (BB_LINK_ENCODED_MAX bytes). Returns the number of bytes to send, terminating zero included.
 */
uint32_t bb_link_encode(uint8_t type, uint8_t sequence, const void *head, uint32_t head_bytes, const void *tail,
                        uint32_t tail_bytes, uint8_t *encoded);

#endif
