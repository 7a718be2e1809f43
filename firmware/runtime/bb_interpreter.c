/* Executes the plan of an image and commits it as the plan says. Why this is crash-consistent: DESIGN.md. */
#include <string.h>

#include "../kernels/bb_kernels.h"
#include "bb_image.h"
#include "bb_port.h"
#include "bb_record.h"
#include "bb_rest.h"
#include "bb_runtime.h"

/* Result i stays readable in its slot until inference i + 2 ends, long after its acknowledgement. */
static uint32_t result_offset(uint32_t inference) {
    return inference % 2u == 0 ? BB_NVM_RESULT_0 : BB_NVM_RESULT_1;
}

static const uint8_t *current_sample(const bb_runtime_t *rt) {
    const bb_dataset_header_t *d = bb_dataset_header(rt->dataset);
    return rt->dataset + d->header_bytes + (rt->record.first_sample + rt->record.inference) * d->sample_bytes;
}

static void read_nvm(bb_runtime_t *rt, uint32_t offset, void *destination, uint32_t bytes) {
    rt->record.nvm_bytes_read += bytes;
    bb_port_nvm_read(offset, destination, bytes);
}

static void write_nvm(bb_runtime_t *rt, uint32_t offset, const void *source, uint32_t bytes) {
    rt->record.nvm_bytes_written += bytes;
    bb_port_nvm_write(offset, source, bytes);
}

/* Where a LOAD reads: the bank that the record names. A SAVE writes the other one, which the commit then names. */
static uint32_t load_base(const bb_runtime_t *rt) {
    return BB_NVM_ACTIVATIONS + (rt->record.bank == 0 ? 0 : bb_image_header(rt->image)->bank_bytes);
}

static uint32_t save_base(const bb_runtime_t *rt) {
    return BB_NVM_ACTIVATIONS + (rt->record.bank == 0 ? bb_image_header(rt->image)->bank_bytes : 0);
}

static void run_steps(bb_runtime_t *rt, uint32_t first, uint32_t count) {
    const bb_step_t *step = bb_image_steps(rt->image) + first;
    for (; count > 0; count--, step++) {
        uint8_t *const at = rt->arena + step->first; /* not for EXECUTE */
        switch (step->kind) {
        case BB_STEP_EXECUTE:
            bb_kernel_run(bb_image_operators(rt->image) + step->op, bb_image_constants(rt->image), (int8_t *)rt->arena,
                          step->first, step->second);
            break;
        case BB_STEP_LOAD:
            read_nvm(rt, load_base(rt) + step->second, at, step->bytes);
            break;
        case BB_STEP_INPUT:
            memcpy(at, current_sample(rt) + step->second, step->bytes);
            break;
        case BB_STEP_OUTPUT:
            write_nvm(rt, result_offset(rt->record.inference), at, step->bytes);
            break;
        case BB_STEP_FETCH:
            read_nvm(rt, BB_NVM_ACTIVATIONS + step->second, at, step->bytes);
            break;
        case BB_STEP_SPILL:
            write_nvm(rt, BB_NVM_ACTIVATIONS + step->second, at, step->bytes);
            break;
        default: /* not in a checked image */
            break;
        }
    }
}

/* Whether the samples of a run are in the data set and fit the image. */
static bb_status_t check_samples(const bb_runtime_t *rt, uint32_t first_sample, uint32_t inference_count,
                                 uint32_t *detail) {
    const bb_dataset_header_t *d = bb_dataset_header(rt->dataset);
    if (d->sample_bytes != bb_image_header(rt->image)->input_bytes) {
        *detail = d->sample_bytes;
        return BB_DATASET_BAD;
    }
    if (inference_count == 0 || first_sample > d->sample_count || inference_count > d->sample_count - first_sample) {
        *detail = first_sample + inference_count;
        return BB_SAMPLE_RANGE;
    }
    return BB_OK;
}

/* Whether image and data set are the ones that the run in the record was started with. */
static bool can_continue(const bb_runtime_t *rt) {
    const bb_record_t *r = &rt->record;
    uint32_t detail;
    return rt->image != NULL && rt->dataset != NULL && bb_image_header(rt->image)->crc == r->image_crc &&
           bb_dataset_header(rt->dataset)->crc == r->dataset_crc && r->inference <= r->inference_count &&
           r->task < bb_image_header(rt->image)->task_count &&
           check_samples(rt, r->first_sample, r->inference_count, &detail) == BB_OK;
}

void bb_boot(bb_runtime_t *rt, const uint8_t *image, const uint8_t *dataset) {
    rt->image = image;
    rt->dataset = dataset;
    rt->arena_valid = false;
    bb_rest_forget(rt);
    bb_record_load(rt);
    if (rt->record.state != BB_STATE_RUNNING) {
        return;
    }
    rt->record.power_cycles++;
    if (rt->record.starts < UINT8_MAX) {
        rt->record.starts++;
    }
    /*
     * Started here before and got no further: what was sensed cannot be trusted. Also with a result waiting: it may have been
     * acknowledged, and work begun behind it, which leaves no trace either.
     */
    if (rt->record.starts >= 2) {
        rt->record.careful = 1;
    }
    if (!can_continue(rt)) {
        rt->record.state = BB_STATE_STOPPED;
    } else if (!bb_result_pending(rt, NULL)) {
        /* The board was at this task or beyond when the power failed: it goes straight on after a commit. */
        rt->record.tasks_reexecuted++;
        if (rt->record.task > 0) {
            rt->record.restores++;
        }
    }
    bb_record_store(rt);
}

bb_status_t bb_start(bb_runtime_t *rt, uint32_t run_id, uint32_t first_sample, uint32_t inference_count,
                     uint32_t *detail) {
    *detail = 0;
    if (rt->record.state == BB_STATE_RUNNING) {
        *detail = rt->record.state;
        return BB_BUSY;
    }
    if (rt->image == NULL) {
        return BB_IMAGE_MAGIC;
    }
    if (rt->dataset == NULL) {
        return BB_DATASET_BAD;
    }
    const bb_status_t status = check_samples(rt, first_sample, inference_count, detail);
    if (status != BB_OK) {
        return status;
    }
    const uint32_t sequence = rt->record.sequence;
    memset(&rt->record, 0, sizeof rt->record);
    rt->record.magic = BB_RECORD_MAGIC_VALUE;
    rt->record.sequence = sequence;
    rt->record.run_id = run_id;
    rt->record.image_crc = bb_image_header(rt->image)->crc;
    rt->record.dataset_crc = bb_dataset_header(rt->dataset)->crc;
    rt->record.first_sample = first_sample;
    rt->record.inference_count = inference_count;
    rt->record.state = BB_STATE_RUNNING;
    rt->record.power_cycles = 1;
    rt->arena_valid = false;
    bb_record_store(rt);
    return BB_OK;
}

void bb_stop(bb_runtime_t *rt) {
    if (rt->record.state == BB_STATE_RUNNING) {
        rt->record.state = BB_STATE_STOPPED;
        bb_record_store(rt);
    }
}

/* A checked save list has nothing but SAVE steps. */
static void save(bb_runtime_t *rt, const bb_task_t *task) {
    const bb_step_t *step = bb_image_steps(rt->image) + task->save_first;
    for (uint32_t count = task->save_count; count > 0; count--, step++) {
        write_nvm(rt, save_base(rt) + step->second, rt->arena + step->first, step->bytes);
    }
}

void bb_commit(bb_runtime_t *rt, bool inference_ends) {
    bb_record_t *const r = &rt->record;
    const bb_image_header_t *const h = bb_image_header(rt->image);
    const bb_task_t *const task = bb_image_tasks(rt->image) + rt->position - 1;
    save(rt, task);
    r->tasks_executed += rt->position - r->task;
    r->checkpoints++;
    r->task = rt->position;
    r->starts = 0;
    if (h->bank_bytes != 0) {
        r->bank = r->bank == 0 ? 1 : 0;
    }
    if (!inference_ends && h->light_commits != 0) {
        bb_record_store_light(rt);
        return;
    }
    if (inference_ends) {
        r->task = 0;
        r->inference++;
        r->careful = 0;
        rt->position = 0;
    }
    bb_record_store(rt);
}

bb_event_t bb_advance(bb_runtime_t *rt) {
    bb_record_t *const r = &rt->record;
    if (r->state != BB_STATE_RUNNING || bb_result_pending(rt, NULL)) {
        return BB_EVENT_NONE;
    }
    const bb_task_t *const tasks = bb_image_tasks(rt->image);
    if (!rt->arena_valid) {
        rt->position = r->task;
        rt->rest.known = false;
        bb_rest_before(rt, tasks + r->task);
        run_steps(rt, tasks[r->task].restore_first, tasks[r->task].restore_count);
        rt->arena_valid = true;
    } else if (rt->position == 0) {
        rt->rest.known = false;
        bb_rest_before(rt, tasks);
    }
    const bb_task_t *const task = tasks + rt->position;
    bb_rest_observe(rt, task);
    run_steps(rt, task->step_first, task->step_count);
    rt->position++;
    const bool inference_ends = rt->position == bb_image_header(rt->image)->task_count;
    if (task->commit_millivolts == BB_COMMIT_ALWAYS) {
        bb_commit(rt, inference_ends);
    } else {
        if (task->planned != 0 && r->careful != 0) {
            bb_commit(rt, false);
        }
        bb_rest_after(rt, task);
    }
    return inference_ends ? BB_EVENT_RESULT : BB_EVENT_TASK;
}

bool bb_result_pending(const bb_runtime_t *rt, uint32_t *inference) {
    const bb_record_t *const r = &rt->record;
    const bool pending = r->state == BB_STATE_RUNNING && r->acknowledged < r->inference;
    if (pending && inference != NULL) {
        *inference = r->inference - 1u;
    }
    return pending;
}

uint32_t bb_result_read(bb_runtime_t *rt, uint8_t *output, uint32_t capacity) {
    uint32_t inference;
    if (rt->image == NULL || !bb_result_pending(rt, &inference)) {
        return 0;
    }
    const uint32_t bytes = bb_image_header(rt->image)->output_bytes;
    if (bytes > capacity) {
        return 0;
    }
    read_nvm(rt, result_offset(inference), output, bytes);
    return bytes;
}

void bb_acknowledge(bb_runtime_t *rt, uint32_t run_id, uint32_t inference) {
    bb_record_t *const r = &rt->record;
    uint32_t pending;
    if (!bb_result_pending(rt, &pending) || run_id != r->run_id || inference != pending) {
        return;
    }
    r->acknowledged = r->inference;
    if (r->acknowledged == r->inference_count) {
        r->state = BB_STATE_FINISHED;
        bb_record_store(rt);
    }
}
