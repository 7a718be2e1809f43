/* The progress record in its two NVM slots: SPEC.md section 5. */
#ifndef BB_RECORD_H
#define BB_RECORD_H

#include "bb_runtime.h"

#define BB_RECORD_MAGIC_VALUE 0x43524242u

/*
 * Reads both slots and takes the newer valid record, continued by the newest light record that belongs to it; without one, an idle record that has never been stored.
 */
void bb_record_load(bb_runtime_t *rt);

/*
 * Commits: gives rt->record the next sequence number and its CRC and writes it to the slot that does not hold the current
 * record. Returns when it is non-volatile; until its last byte is written, the current record stays the valid one.
 */
void bb_record_store(bb_runtime_t *rt);

/*
 * Commits one more task of the inference in progress, and nothing else, by a light record: rt->record.task is by one higher
 * than at the last commit. The full record that it continues stays where it is.
 */
void bb_record_store_light(bb_runtime_t *rt);

#endif
