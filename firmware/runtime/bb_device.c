#include "bb_device.h"

#include <stddef.h>
#include <string.h>

#include "bb_crc32.h"
#include "bb_port.h"
#include "bb_selftest.h"

#define SECTOR_BYTES 4096u
#define PAGE_BYTES 256u
#define PROGRAM_MAX 1024u

/* An unacknowledged result goes out again after this long: well over one round trip through a USB serial adapter. */
#define RESULT_REPEAT_MICROS 50000u
/* Longest sleep with nothing to do; reception ends it at once. */
#define IDLE_MICROS 1000000u

/* Fields of image and data set headers that are looked at before the full check: SPEC sections 3 and 4. */
#define IMAGE_MAGIC 0x4D494242u
#define DATASET_MAGIC 0x53444242u
#define HEADER_CRC_OFFSET 12u

static uint32_t load_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void store_u16(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

static void store_u32(uint8_t *bytes, uint32_t value)
{
    store_u16(bytes, value);
    store_u16(bytes + 2, value >> 16);
}

static const uint8_t *flash_image(const bb_device_t *device)
{
    return bb_port_flash_address(device->place->image_offset);
}

static const uint8_t *flash_dataset(const bb_device_t *device)
{
    return bb_port_flash_address(device->place->dataset_offset);
}

static void send(bb_device_t *device, uint8_t type, uint8_t sequence, const void *head, uint32_t head_bytes,
                 const void *tail, uint32_t tail_bytes)
{
    uint32_t count = bb_link_encode(type, sequence, head, head_bytes, tail, tail_bytes, device->encoded);
    bb_port_serial_send(device->encoded, count);
}

static void send_event(bb_device_t *device, uint8_t type, const void *payload, uint32_t bytes)
{
    send(device, type, device->event_sequence++, payload, bytes, NULL, 0);
}

static void send_status(bb_device_t *device, const bb_link_frame_t *frame, bb_status_t code, uint32_t detail)
{
    uint8_t payload[8] = {frame->type, (uint8_t)code};
    store_u32(payload + 4, detail);
    send(device, BB_STATUS, frame->sequence, payload, sizeof payload, NULL, 0);
}

/* Full check of what is in flash; it reads every byte of the image, so IDENTIFY makes do with what is remembered of it. */
static bb_status_t check_image(bb_device_t *device, uint32_t *detail)
{
    const bb_place_t *place = device->place;
    if (!device->image_known) {
        device->image_detail = 0;
        device->image_status = bb_image_check(flash_image(device), place->image_capacity, place->board,
                                              place->arena_bytes, place->nvm_bytes, &device->image_detail);
        device->image_known = true;
    }
    device->runtime.image = device->image_status == BB_OK ? flash_image(device) : NULL;
    *detail = device->image_detail;
    return device->image_status;
}

static bb_status_t check_dataset(bb_device_t *device, uint32_t *detail)
{
    if (!device->dataset_known) {
        device->dataset_detail = 0;
        device->dataset_status =
            bb_dataset_check(flash_dataset(device), device->place->dataset_capacity, &device->dataset_detail);
        device->dataset_known = true;
    }
    device->runtime.dataset = device->dataset_status == BB_OK ? flash_dataset(device) : NULL;
    *detail = device->dataset_detail;
    return device->dataset_status;
}

static void forget_checks(bb_device_t *device)
{
    device->image_known = false;
    device->dataset_known = false;
    device->runtime.image = NULL;
    device->runtime.dataset = NULL;
}

static bool running(const bb_device_t *device)
{
    return device->runtime.record.state == BB_STATE_RUNNING;
}

/*
 * Before a run nothing is taken from memory: bits of flash may have changed without anybody's doing. A run in progress keeps
 * the image that it began with whatever is found now, because the interpreter needs one.
 */
static bb_status_t check_flash_again(bb_device_t *device, uint32_t *detail)
{
    const uint8_t *image = device->runtime.image;
    const uint8_t *dataset = device->runtime.dataset;
    forget_checks(device);
    bb_status_t status = check_image(device, detail);
    if (status == BB_OK) {
        status = check_dataset(device, detail);
    }
    if (running(device)) {
        device->runtime.image = image;
        device->runtime.dataset = dataset;
    }
    return status;
}

/* True when [offset, offset + bytes) lies inside the image region or inside the data set region. */
static bool in_loadable_region(const bb_place_t *place, uint32_t offset, uint32_t bytes)
{
    uint32_t in_image = offset - place->image_offset;
    uint32_t in_dataset = offset - place->dataset_offset;
    if (offset >= place->image_offset && in_image < place->image_capacity) {
        return bytes <= place->image_capacity - in_image;
    }
    if (offset >= place->dataset_offset && in_dataset < place->dataset_capacity) {
        return bytes <= place->dataset_capacity - in_dataset;
    }
    return false;
}

static void on_identify(bb_device_t *device, const bb_link_frame_t *frame)
{
    const bb_place_t *place = device->place;
    uint8_t head[44] = {0};
    uint32_t ignored;
    if (!running(device)) {
        (void)check_image(device, &ignored);
        (void)check_dataset(device, &ignored);
    }
    store_u16(head, BB_PROTOCOL_VERSION);
    head[2] = BB_FIRMWARE_MAJOR;
    head[3] = BB_FIRMWARE_MINOR;
    store_u32(head + 4, place->board);
    store_u32(head + 8, place->flash_bytes);
    store_u32(head + 12, place->nvm_bytes);
    store_u32(head + 16, place->arena_bytes);
    store_u32(head + 20, place->image_offset);
    store_u32(head + 24, place->image_capacity);
    store_u32(head + 28, place->dataset_offset);
    store_u32(head + 32, place->dataset_capacity);
    store_u32(head + 36, device->runtime.image ? load_u32(flash_image(device) + HEADER_CRC_OFFSET) : 0);
    store_u32(head + 40, device->runtime.dataset ? load_u32(flash_dataset(device) + HEADER_CRC_OFFSET) : 0);
    send(device, BB_IDENTITY, frame->sequence, head, sizeof head, &device->runtime.record, BB_RECORD_BYTES);
}

static void on_erase(bb_device_t *device, const bb_link_frame_t *frame)
{
    uint32_t offset = load_u32(frame->payload);
    uint32_t bytes = load_u32(frame->payload + 4);
    if (offset % SECTOR_BYTES != 0 || bytes % SECTOR_BYTES != 0 || bytes == 0 ||
        !in_loadable_region(device->place, offset, bytes)) {
        send_status(device, frame, BB_BAD_RANGE, offset);
        return;
    }
    forget_checks(device);
    bool done = bb_port_flash_erase(offset, bytes);
    send_status(device, frame, done ? BB_OK : BB_FLASH_FAILED, done ? 0 : offset);
}

static void on_program(bb_device_t *device, const bb_link_frame_t *frame)
{
    uint32_t offset = load_u32(frame->payload);
    uint32_t bytes = frame->length - 4;
    if (offset % PAGE_BYTES != 0 || !in_loadable_region(device->place, offset, bytes)) {
        send_status(device, frame, BB_BAD_RANGE, offset);
        return;
    }
    forget_checks(device);
    bool done = bb_port_flash_program(offset, frame->payload + 4, bytes) &&
                memcmp(bb_port_flash_address(offset), frame->payload + 4, bytes) == 0;
    send_status(device, frame, done ? BB_OK : BB_FLASH_FAILED, done ? 0 : offset);
}

static void on_checksum(bb_device_t *device, const bb_link_frame_t *frame)
{
    uint32_t offset = load_u32(frame->payload);
    uint32_t bytes = load_u32(frame->payload + 4);
    if (offset > device->place->flash_bytes || bytes > device->place->flash_bytes - offset) {
        send_status(device, frame, BB_BAD_RANGE, offset);
        return;
    }
    uint8_t payload[4];
    store_u32(payload, bb_crc32(0, bb_port_flash_address(offset), bytes));
    send(device, BB_CHECKSUM_IS, frame->sequence, payload, sizeof payload, NULL, 0);
}

static void on_run(bb_device_t *device, const bb_link_frame_t *frame)
{
    uint32_t run_id = load_u32(frame->payload);
    uint32_t first_sample = load_u32(frame->payload + 4);
    uint32_t inference_count = load_u32(frame->payload + 8);
    const bb_record_t *record = &device->runtime.record;
    uint32_t detail = 0;
    if (running(device)) {
        /* The reply to a RUN may have been lost, or the power with it: the same order again is not a second run. */
        bool same = record->run_id == run_id && record->first_sample == first_sample &&
                    record->inference_count == inference_count;
        send_status(device, frame, same ? BB_OK : BB_BUSY, same ? 0 : record->state);
        return;
    }
    bb_status_t status = check_flash_again(device, &detail);
    if (status == BB_OK) {
        status = bb_start(&device->runtime, run_id, first_sample, inference_count, &detail);
    }
    device->result_sent = false;
    send_status(device, frame, status, detail);
}

static void on_acknowledge(bb_device_t *device, const bb_link_frame_t *frame)
{
    uint32_t run_id = load_u32(frame->payload);
    bb_acknowledge(&device->runtime, run_id, load_u32(frame->payload + 4));
    device->result_sent = false;
    /* Also when the host repeats itself because FINISHED was lost. */
    if (device->runtime.record.state == BB_STATE_FINISHED && device->runtime.record.run_id == run_id) {
        send_event(device, BB_FINISHED, &device->runtime.record, BB_RECORD_BYTES);
    }
}

static void on_check_image(bb_device_t *device, const bb_link_frame_t *frame)
{
    uint32_t detail = 0;
    bb_status_t status = check_flash_again(device, &detail);
    send_status(device, frame, status, status == BB_OK ? 0 : detail);
}

static void on_stop(bb_device_t *device, const bb_link_frame_t *frame)
{
    if (running(device)) {
        bb_stop(&device->runtime);
    }
    send_status(device, frame, BB_OK, 0);
}

static void on_self_test(bb_device_t *device, const bb_link_frame_t *frame)
{
    uint8_t result[BB_SELFTEST_BYTES];
    bb_selftest(device->place->nvm_bytes, !running(device), device->receiver.whole_frames,
                device->receiver.broken_frames, result);
    send(device, BB_SELF_TEST_IS, frame->sequence, result, sizeof result, NULL, 0);
}

static void on_echo(bb_device_t *device, const bb_link_frame_t *frame)
{
    send(device, BB_ECHO_IS, frame->sequence, frame->payload, frame->length, NULL, 0);
}

/* Lengths are checked here, once, so that no handler reads beyond its payload. */
static void handle(bb_device_t *device, const bb_link_frame_t *frame)
{
    uint32_t least = 0;
    uint32_t most = 0;
    bool changes_flash = false;
    void (*handler)(bb_device_t *, const bb_link_frame_t *) = NULL;
    switch (frame->type) {
    case BB_IDENTIFY:
        handler = on_identify;
        break;
    case BB_STOP:
        handler = on_stop;
        break;
    case BB_ERASE:
        handler = on_erase;
        least = most = 8;
        changes_flash = true;
        break;
    case BB_PROGRAM:
        handler = on_program;
        least = 5;
        most = 4 + PROGRAM_MAX;
        changes_flash = true;
        break;
    case BB_CHECKSUM:
        handler = on_checksum;
        least = most = 8;
        break;
    case BB_CHECK_IMAGE:
        handler = on_check_image;
        break;
    case BB_RUN:
        handler = on_run;
        least = most = 12;
        break;
    case BB_ACKNOWLEDGE:
        handler = on_acknowledge;
        least = most = 8;
        break;
    case BB_SELF_TEST:
        handler = on_self_test;
        break;
    case BB_ECHO:
        handler = on_echo;
        most = BB_LINK_PAYLOAD_MAX;
        break;
    default:
        send_status(device, frame, BB_UNKNOWN_COMMAND, frame->type);
        return;
    }
    if (frame->length < least || frame->length > most) {
        send_status(device, frame, BB_BAD_LENGTH, frame->length);
        return;
    }
    if (changes_flash && running(device)) {
        send_status(device, frame, BB_BUSY, device->runtime.record.state);
        return;
    }
    handler(device, frame);
}

static bool receive(bb_device_t *device)
{
    uint8_t bytes[64];
    bool any = false;
    uint32_t count;
    while ((count = bb_port_serial_receive(bytes, sizeof bytes)) != 0) {
        any = true;
        for (uint32_t index = 0; index < count; index++) {
            bb_link_frame_t frame;
            if (bb_link_take(&device->receiver, bytes[index], &frame)) {
                handle(device, &frame);
            }
        }
    }
    return any;
}

static void send_result(bb_device_t *device, uint32_t inference)
{
    uint8_t head[4 + BB_RECORD_BYTES];
    store_u32(head, inference);
    memcpy(head + 4, &device->runtime.record, BB_RECORD_BYTES);
    uint32_t bytes = bb_result_read(&device->runtime, device->result, sizeof device->result);
    send(device, BB_RESULT, device->event_sequence++, head, sizeof head, device->result, bytes);
    device->result_sent = true;
    device->result_sent_micros = bb_port_micros();
}

void bb_device_boot(bb_device_t *device, const bb_place_t *place, uint8_t *arena)
{
    memset(&device->runtime, 0, sizeof device->runtime);
    device->place = place;
    device->image_known = false;
    device->dataset_known = false;
    device->event_sequence = 0;
    device->result_sent = false;
    device->result_sent_micros = 0;
    device->runtime.arena = arena;
    device->runtime.arena_capacity = place->arena_bytes;
    device->runtime.nvm_capacity = place->nvm_bytes;
    device->runtime.board = place->board;
    bb_link_start(&device->receiver);
    /* Ends the frame that the last power failure may have cut, so that it does not take the first new one with it. */
    const uint8_t frame_end = 0;
    bb_port_serial_send(&frame_end, 1);
    /*
     * Only the magic numbers are looked at here; bb_boot compares the image's CRC field with the one in the record. A full
     * check would read the whole image at every power-on, and flash cannot change while a run is in progress: ERASE and
     * PROGRAM are refused then. Outside a run nothing is trusted; the next IDENTIFY, CHECK_IMAGE or RUN checks every byte.
     */
    const uint8_t *image = load_u32(flash_image(device)) == IMAGE_MAGIC ? flash_image(device) : NULL;
    const uint8_t *dataset = load_u32(flash_dataset(device)) == DATASET_MAGIC ? flash_dataset(device) : NULL;
    bb_boot(&device->runtime, image, dataset);
    if (running(device)) {
        send_event(device, BB_BOOT, &device->runtime.record, BB_RECORD_BYTES);
        return;
    }
    forget_checks(device);
    if (device->runtime.record.state == BB_STATE_FINISHED) {
        /* The power may have failed between the last commit and its report. */
        send_event(device, BB_FINISHED, &device->runtime.record, BB_RECORD_BYTES);
    }
}

void bb_device_turn(bb_device_t *device)
{
    bool heard = receive(device);
    uint32_t inference;
    if (bb_result_pending(&device->runtime, &inference)) {
        uint32_t waited = bb_port_micros() - device->result_sent_micros;
        if (!device->result_sent || waited >= RESULT_REPEAT_MICROS) {
            send_result(device, inference);
            waited = 0;
        }
        bb_port_wait(RESULT_REPEAT_MICROS - waited);
        return;
    }
    if (running(device)) {
        (void)bb_advance(&device->runtime);
        device->result_sent = false;
        return;
    }
    if (!heard) {
        bb_port_wait(IDLE_MICROS);
    }
}
