#include "bb_rest.h"

#include <stddef.h>

#include "bb_port.h"

/* Of the capacitor over one nap, at least: less is not worth waiting for. Naps are as long as makes this right (SPEC.md). */
#define RISE_MILLIVOLTS 4u
/* Naps in a row without that rise that end a rest which is not needed. */
#define QUIET_NAPS 2u
/* With too little to go on it waits this many naps before it asks for a rise, so that a gap in the harvest is survived. */
#define PATIENT_NAPS 64u
/* No rest is longer: a host that wants the board to stop is heard between two. */
#define NAPS_MAX 512u
/* Waiting in vain, with too little to go on, so often in a power cycle: the readings mean nothing, or nothing is to be had. */
#define STALLS_MAX 2u
/* A level that did not come back is given up for one so much lower. */
#define LEVEL_STEP_MILLIVOLTS 500u
/* What must be left at the end of an inference, above the brown-out. */
#define END_MARGIN_MILLIVOLTS 60u
/* Resting where it need not pays only if the harvest is at least this share of what working takes: 1 / 6. */
#define WORTHWHILE_SHARE 6u

static uint32_t square(uint32_t millivolts) {
    return millivolts * millivolts;
}

static const bb_image_header_t *header(const bb_runtime_t *rt) {
    return bb_image_header(rt->image);
}

static bool rests(const bb_runtime_t *rt) {
    return header(rt)->nap_micros != 0 && rt->rest.stalls < STALLS_MAX;
}

/* A board that runs has more than the brown-out voltage; whatever says otherwise cannot sense. */
static bool believable(const bb_runtime_t *rt, uint32_t millivolts) {
    return millivolts >= header(rt)->brown_out_millivolts && millivolts <= UINT16_MAX;
}

void bb_rest_forget(bb_runtime_t *rt) {
    rt->rest = (bb_rest_t){.level = UINT16_MAX};
}

/* Fall of the capacitor's square since the work began, and the planned energy that was spent meanwhile; false = not known. */
static bool since_start(const bb_runtime_t *rt, uint32_t millivolts, uint32_t left, int64_t *fall, uint32_t *spent) {
    if (!rt->rest.known || rt->rest.from_left <= left) {
        return false;
    }
    *fall = (int64_t)rt->rest.from_square - square(millivolts);
    *spent = rt->rest.from_left - left;
    return true;
}

/*
 * Whether the capacitor lasts to the end of the inference if its square falls on as it has since the work began, with
 * `quarters` / 4 of what is left to do. Without a fall to go by nothing is harvested.
 */
static bool lasts(const bb_runtime_t *rt, uint32_t millivolts, uint32_t left, int64_t fall, uint32_t spent,
                  uint32_t quarters) {
    const uint32_t end = header(rt)->brown_out_millivolts + END_MARGIN_MILLIVOLTS;
    if (millivolts <= end) {
        return false;
    }
    const uint64_t have = square(millivolts) - square(end);
    /* 64 bits hold it: squares of what an ADC can show are below 2^26, planned energies below 2^32. */
    return fall <= 0 || have * spent >= ((uint64_t)left * (uint64_t)fall) / 4u * quarters;
}

/* True when the capacitor reached what was waited for; false when it stopped rising, or the rest grew too long. */
static bool nap_until(bb_runtime_t *rt, const bb_task_t *done, uint32_t needed, uint32_t left, uint32_t *millivolts) {
    const bb_image_header_t *const h = header(rt);
    const uint32_t band = h->wake_millivolts - h->rest_millivolts;
    const uint32_t level = rt->rest.level < h->rest_millivolts ? rt->rest.level : h->rest_millivolts;
    const uint32_t first = *millivolts;
    int64_t fall = 1;
    uint32_t spent = 1;
    (void)since_start(rt, first, left, &fall, &spent);
    uint32_t quiet = 0;
    for (uint32_t naps = 1; naps <= NAPS_MAX; naps++) {
        const uint32_t before = *millivolts;
        bb_port_nap(h->nap_micros);
        rt->record.rested_micros += h->nap_micros;
        *millivolts = bb_port_capacitor_millivolts();
        if (done != NULL && rt->position > rt->record.task && *millivolts < done->commit_millivolts) {
            bb_port_rest_end();
            bb_commit(rt, false);
            bb_port_rest_begin();
        }
        if (*millivolts >= needed) {
            if (*millivolts >= level + band || lasts(rt, *millivolts, left, fall, spent, 4)) {
                return true;
            }
            quiet = *millivolts >= before + RISE_MILLIVOLTS ? 0 : quiet + 1;
            if (quiet == QUIET_NAPS) {
                return false;
            }
        } else if (naps >= PATIENT_NAPS && *millivolts < first + naps * RISE_MILLIVOLTS) {
            return false;
        }
    }
    return false;
}

/* Waits for at least `needed`; `done` is the task that a commit would follow, NULL = there is nothing to commit. */
static void rest(bb_runtime_t *rt, const bb_task_t *done, uint32_t needed, uint32_t left, uint32_t millivolts) {
    rt->record.rests++;
    bb_port_rest_begin();
    const bool reached = nap_until(rt, done, needed, left, &millivolts);
    bb_port_rest_end();
    if (reached) {
        rt->rest.level = millivolts >= header(rt)->wake_millivolts ? UINT16_MAX : rt->rest.level;
    } else if (millivolts >= needed) {
        rt->rest.level =
            (uint16_t)(millivolts > LEVEL_STEP_MILLIVOLTS ? millivolts - LEVEL_STEP_MILLIVOLTS : 0);
    } else {
        rt->rest.stalls++;
        if (done != NULL && rt->position > rt->record.task) {
            bb_commit(rt, false);
        }
    }
    rt->rest.known = false;
}

void bb_rest_before(bb_runtime_t *rt, const bb_task_t *task) {
    if (!rests(rt)) {
        return;
    }
    const uint32_t millivolts = bb_port_capacitor_millivolts();
    if (believable(rt, millivolts) && millivolts < task->begin_millivolts) {
        rest(rt, NULL, task->begin_millivolts, task->left, millivolts);
    }
}

void bb_rest_observe(bb_runtime_t *rt, const bb_task_t *task) {
    if (rt->rest.known || !rests(rt)) {
        return;
    }
    rt->rest.known = true;
    rt->rest.from_square = square(bb_port_capacitor_millivolts() & UINT16_MAX);
    rt->rest.from_left = task->left;
}

void bb_rest_after(bb_runtime_t *rt, const bb_task_t *task) {
    const uint32_t millivolts = bb_port_capacitor_millivolts();
    const bool uncommitted = rt->position > rt->record.task;
    if (!rests(rt) || !believable(rt, millivolts)) {
        if (uncommitted && millivolts < task->go_millivolts) {
            bb_commit(rt, false);
        }
        return;
    }
    const uint32_t left = task[1].left; /* a task that does not always commit is not the last */
    if (millivolts >= task->go_millivolts) {
        const uint32_t level = rt->rest.level < header(rt)->rest_millivolts ? rt->rest.level : header(rt)->rest_millivolts;
        int64_t fall;
        uint32_t spent;
        if (millivolts >= level || !since_start(rt, millivolts, left, &fall, &spent) ||
            lasts(rt, millivolts, left, fall, spent, 5) ||
            /* harvest = spent - fall, in the same units */
            ((int64_t)spent - fall) * (int64_t)WORTHWHILE_SHARE < (int64_t)spent) {
            return;
        }
    }
    rest(rt, task, task->go_millivolts, left, millivolts);
}
