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
