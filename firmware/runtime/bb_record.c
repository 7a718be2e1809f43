#include "bb_record.h"

#include <stddef.h>
#include <string.h>

#include "bb_crc32.h"
#include "bb_fault.h"
#include "bb_image.h"
#include "bb_port.h"

static uint32_t slot_offset(uint8_t slot) {
    return slot == 0 || BB_FAULT == BB_FAULT_ONE_SLOT ? BB_NVM_RECORD_A : BB_NVM_RECORD_B;
}

static bool read_slot(uint8_t slot, bb_record_t *record) {
    bb_port_nvm_read(slot_offset(slot), record, sizeof *record);
    return record->magic == BB_RECORD_MAGIC_VALUE &&
           (BB_FAULT == BB_FAULT_NO_CRC || record->crc == bb_crc32(0, record, offsetof(bb_record_t, crc)));
}

static uint32_t light_offset(uint32_t sequence) {
    return (sequence & 1u) == 0 || BB_FAULT == BB_FAULT_ONE_SLOT ? BB_NVM_LIGHT_A : BB_NVM_LIGHT_B;
}

/* The CRC continues that of the full record, so that a light record is valid only together with the one it was made for. */
static uint32_t light_crc(const bb_record_t *full, const bb_light_record_t *light) {
    return bb_crc32(full->crc, light, offsetof(bb_light_record_t, crc));
}

static bool light_valid(const bb_record_t *full, const bb_light_record_t *light) {
    if (BB_FAULT == BB_FAULT_NO_CRC) {
        return light->sequence - full->sequence <= UINT16_MAX;
    }
    return light->crc == light_crc(full, light);
}

/*
 * Each light record commits one task, so its sequence number tells how many tasks it is ahead. It cannot have been written
 * before the last result was acknowledged, nor before a task was committed.
 */
static void continue_record(bb_record_t *record, const bb_light_record_t *light) {
    const uint32_t tasks = light->sequence - record->sequence;
    record->sequence = light->sequence;
    record->task += tasks;
    record->tasks_executed += tasks;
    record->checkpoints += tasks;
    record->acknowledged = record->inference;
    record->starts = 0;
    record->nvm_bytes_read += (uint32_t)(light->nvm_bytes_read - (uint32_t)record->nvm_bytes_read);
    record->nvm_bytes_written += (uint32_t)(light->nvm_bytes_written - (uint32_t)record->nvm_bytes_written);
}

static void load_light(bb_record_t *record) {
    bb_light_record_t slots[2];
    const bb_light_record_t *newest = NULL;
    bb_port_nvm_read(BB_NVM_LIGHT_A, slots, sizeof slots);
    for (uint32_t i = 0; i < 2; i++) {
        if (light_valid(record, &slots[i]) &&
            (newest == NULL || (int32_t)(slots[i].sequence - newest->sequence) > 0)) {
            newest = &slots[i];
        }
    }
    if (newest != NULL) {
        continue_record(record, newest);
    }
}

void bb_record_load(bb_runtime_t *rt) {
    bb_record_t b;
    const bool has_a = read_slot(0, &rt->record);
    const bool has_b = read_slot(1, &b);
    /* The difference as a signed number keeps its meaning when the sequence wraps around. */
    if (has_b && (!has_a || (int32_t)(b.sequence - rt->record.sequence) > 0)) {
        rt->record = b;
        rt->current_slot = 1;
    } else if (has_a) {
        rt->current_slot = 0;
    } else {
        memset(&rt->record, 0, sizeof rt->record);
        rt->record.magic = BB_RECORD_MAGIC_VALUE;
        rt->record.state = BB_STATE_IDLE;
        rt->current_slot = 1;
    }
    if (rt->record.state == BB_STATE_RUNNING) {
        load_light(&rt->record);
        rt->record.nvm_bytes_read += 2u * sizeof(bb_light_record_t);
    }
    rt->record.nvm_bytes_read += 2u * sizeof(bb_record_t);
}

void bb_record_store(bb_runtime_t *rt) {
    const uint8_t slot = rt->current_slot == 0 ? 1 : 0;
    rt->record.sequence++;
    rt->record.nvm_bytes_written += sizeof rt->record;
    rt->record.crc = bb_crc32(0, &rt->record, offsetof(bb_record_t, crc));
    bb_port_nvm_write(slot_offset(slot), &rt->record, sizeof rt->record);
    rt->current_slot = slot;
}

void bb_record_store_light(bb_runtime_t *rt) {
    bb_record_t *const r = &rt->record;
    r->sequence++;
    r->nvm_bytes_written += sizeof(bb_light_record_t);
    bb_light_record_t light = {
        .sequence = r->sequence,
        .nvm_bytes_read = (uint32_t)r->nvm_bytes_read,
        .nvm_bytes_written = (uint32_t)r->nvm_bytes_written,
    };
    /* r->crc is that of the full record in NVM: only bb_record_store changes it. */
    light.crc = light_crc(r, &light);
    bb_port_nvm_write(light_offset(r->sequence), &light, sizeof light);
}
