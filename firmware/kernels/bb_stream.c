#include "bb_stream.h"

#include "../runtime/bb_port.h"
#include "bb_packed.h"

/* So many units at least are worth going on for, though more are wanted: what goes on around them takes that long. */
#define SOME_UNITS 8u

/* Asks for what comes next, into the half that is not being read. */
static inline void ask(bb_stream_t *s) {
    s->other_words = s->left < s->half_words ? s->left : s->half_words;
    if (s->other_words != 0) {
        bb_port_burst_read(s->source, s->other, s->other_words);
        s->source += s->other_words;
        s->left -= s->other_words;
    }
}

/* The half that is being read is used up: goes on to the other one, and fills this one. */
static inline void turn(bb_stream_t *s) {
    uint32_t *const used = s->half;
    s->half = s->other;
    s->other = used;
    s->at = s->half;
    s->there = s->half;
    s->end = s->half + s->other_words;
    s->burst++;
    ask(s);
}

BB_TIME_CRITICAL void bb_stream_open(bb_stream_t *s, const uint32_t *source, uint32_t words, void *buffer,
                                     uint32_t buffer_bytes) {
    bb_port_burst_begin();
    s->source = source;
    s->left = words;
    s->half_words = buffer_bytes / 8u;
    s->other = buffer;
    s->half = s->other + s->half_words;
    s->burst = 0;
    ask(s);
    turn(s);
}

BB_TIME_CRITICAL uint32_t bb_stream_wait(bb_stream_t *s, uint32_t wanted) {
    if (s->at == s->end) {
        turn(s);
    }
    const uint32_t in_half = (uint32_t)(s->end - s->at) / BB_STREAM_UNIT_WORDS;
    const uint32_t most = wanted < in_half ? wanted : in_half;
    const uint32_t least = most < SOME_UNITS ? most : SOME_UNITS;
    do {
        const uint32_t missing = bb_port_burst_missing(s->burst);
        if (missing < (uint32_t)(s->end - s->there)) {
            s->there = s->end - missing;
        }
    } while (s->there < s->at + BB_STREAM_UNIT_WORDS * least);
    const uint32_t units = (uint32_t)(s->there - s->at) / BB_STREAM_UNIT_WORDS;
    return units < most ? units : most;
}

BB_TIME_CRITICAL void bb_stream_close(bb_stream_t *s) {
    (void)s;
    bb_port_burst_end();
}
