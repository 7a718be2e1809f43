#include "bb_link.h"

#include <stddef.h>
#include <string.h>

#include "bb_crc32.h"

#define CRC_BYTES 4u
#define SMALLEST_FRAME 6u /* type, sequence, CRC */

static void begin_frame(bb_link_receiver_t *receiver)
{
    receiver->length = 0;
    receiver->block = 0;
    receiver->started = false;
    receiver->zero_due = false;
    receiver->overflow = false;
}

void bb_link_start(bb_link_receiver_t *receiver)
{
    begin_frame(receiver);
    receiver->whole_frames = 0;
    receiver->broken_frames = 0;
}

static void put(bb_link_receiver_t *receiver, uint8_t byte)
{
    if (receiver->length < BB_LINK_FRAME_MAX) {
        receiver->frame[receiver->length++] = byte;
    } else {
        receiver->overflow = true;
    }
}

static uint32_t load_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static bool complete(const bb_link_receiver_t *receiver, bb_link_frame_t *frame)
{
    if (receiver->overflow || receiver->block != 0 || receiver->length < SMALLEST_FRAME) {
        return false;
    }
    uint32_t body = receiver->length - CRC_BYTES;
    if (bb_crc32(0, receiver->frame, body) != load_u32(receiver->frame + body)) {
        return false;
    }
    frame->type = receiver->frame[0];
    frame->sequence = receiver->frame[1];
    frame->payload = receiver->frame + 2;
    frame->length = body - 2;
    return true;
}

bool bb_link_take(bb_link_receiver_t *receiver, uint8_t byte, bb_link_frame_t *frame)
{
    if (byte == 0) {
        bool whole = complete(receiver, frame);
        if (whole) {
            receiver->whole_frames++;
        } else if (receiver->started) {
            receiver->broken_frames++;
        }
        begin_frame(receiver);
        return whole;
    }
    if (receiver->block != 0) {
        put(receiver, byte);
        receiver->block--;
        return false;
    }
    /* A code byte: the block before it ended with a zero, unless it was a full one of 254 data bytes. */
    if (receiver->started && receiver->zero_due) {
        put(receiver, 0);
    }
    receiver->started = true;
    receiver->zero_due = byte != 0xff;
    receiver->block = (uint8_t)(byte - 1);
    return false;
}

/* Incremental COBS encoder: `code` is where the length of the block being written will go. */
typedef struct encoder {
    uint8_t *out;
    uint32_t length;
    uint32_t code;
} encoder_t;

static void encode_byte(encoder_t *encoder, uint8_t byte)
{
    if (byte != 0) {
        encoder->out[encoder->length++] = byte;
    }
    uint32_t block = encoder->length - encoder->code;
    if (byte == 0 || block == 0xff) {
        encoder->out[encoder->code] = (uint8_t)block;
        encoder->code = encoder->length++;
    }
}

static void encode_bytes(encoder_t *encoder, const uint8_t *bytes, uint32_t count)
{
    for (uint32_t index = 0; index < count; index++) {
        encode_byte(encoder, bytes[index]);
    }
}

uint32_t bb_link_encode(uint8_t type, uint8_t sequence, const void *head, uint32_t head_bytes, const void *tail,
                        uint32_t tail_bytes, uint8_t *encoded)
{
    const uint8_t start[2] = {type, sequence};
    uint32_t crc = bb_crc32(0, start, sizeof start);
    if (head_bytes != 0) {
        crc = bb_crc32(crc, head, head_bytes);
    }
    if (tail_bytes != 0) {
        crc = bb_crc32(crc, tail, tail_bytes);
    }
    const uint8_t end[CRC_BYTES] = {(uint8_t)crc, (uint8_t)(crc >> 8), (uint8_t)(crc >> 16), (uint8_t)(crc >> 24)};
    encoder_t encoder = {.out = encoded, .length = 1, .code = 0};
    encode_bytes(&encoder, start, sizeof start);
    encode_bytes(&encoder, head, head_bytes);
    encode_bytes(&encoder, tail, tail_bytes);
    encode_bytes(&encoder, end, sizeof end);
    encoded[encoder.code] = (uint8_t)(encoder.length - encoder.code);
    encoded[encoder.length++] = 0;
    return encoder.length;
}
