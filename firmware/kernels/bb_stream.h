/*
 * Constants of an operator as they come from flash in bursts (bb_port.h), one after the other, in units of 4 words. Two halves
 * of a buffer take turns: while the kernel works on one, the other is filled. A kernel may use a half's first units while its
 * last ones are still on their way.
 *
 * From open to close a kernel reads nothing from flash: constants, operator records and functions outside of SRAM.
 */
#ifndef BB_STREAM_H
#define BB_STREAM_H

#include <stdint.h>

#define BB_STREAM_UNIT_WORDS 4u
/* Buffers are multiples of this: two halves of whole units. */
#define BB_STREAM_BUFFER_GRAIN (2u * 4u * BB_STREAM_UNIT_WORDS)

typedef struct bb_stream {
    const uint32_t *at;     /* next word; moved on by who uses it */
    const uint32_t *there;  /* words before this one have arrived */
    const uint32_t *end;    /* of what is, or will be, in this half */
    const uint32_t *source; /* constants not asked for yet */
    uint32_t left;          /* words of them */
    uint32_t half_words;    /* room in a half */
    uint32_t *half, *other; /* the half that is being read, the other one */
    uint32_t other_words;   /* asked for, into the other half */
    uint32_t burst;         /* number of the burst that fills this half */
} bb_stream_t;

/*
 * Starts to read `words` > 0 words, a multiple of 4, from `source` to `buffer`; both at a multiple of 4. `buffer_bytes` is a
 * multiple of BB_STREAM_BUFFER_GRAIN, at most 512 KB.
 */
void bb_stream_open(bb_stream_t *stream, const uint32_t *source, uint32_t words, void *buffer, uint32_t buffer_bytes);

/* As bb_stream_units, where some are missing. */
uint32_t bb_stream_wait(bb_stream_t *stream, uint32_t wanted);

void bb_stream_close(bb_stream_t *stream);

/*
 * Waits for some of the next `wanted` > 0 units and returns how many there are now at `stream->at`, which the caller then moves
 * on by 4 words for each that it has used. No more may be wanted in all than the stream has.
 */
static inline uint32_t bb_stream_units(bb_stream_t *stream, uint32_t wanted) {
    const uint32_t there = (uint32_t)(stream->there - stream->at) / BB_STREAM_UNIT_WORDS;
    return there >= wanted ? wanted : bb_stream_wait(stream, wanted);
}

#endif
