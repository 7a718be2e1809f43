/* Waiting for the capacitor with memory alive: SPEC.md section 5.3. Nothing but time depends on what is decided here. */
#ifndef BB_REST_H
#define BB_REST_H

#include "bb_image.h"
#include "bb_runtime.h"

/* Power-on: nothing is known of the harvest. */
void bb_rest_forget(bb_runtime_t *rt);

/* Before `task` begins a power cycle or an inference; nothing waits to be committed. */
void bb_rest_before(bb_runtime_t *rt, const bb_task_t *task);

/* Right before `task` is executed: from here on the capacitor's fall tells what is harvested. */
void bb_rest_observe(bb_runtime_t *rt, const bb_task_t *task);

/* After `task`, which may leave its commit to the voltage: commits, rests, both or neither. */
void bb_rest_after(bb_runtime_t *rt, const bb_task_t *task);

/* Of the interpreter: makes everything up to rt->position durable. */
void bb_commit(bb_runtime_t *rt, bool inference_ends);

#endif
