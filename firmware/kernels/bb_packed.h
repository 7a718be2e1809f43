/*
 * The fast kernels' common parts. Two int8 products are made by one 32-bit multiplication: two pixels are packed as
 * x0 + (x1 << 16), so that a product with an int8 weight holds both products, and four such products can be summed before
 * a half may overflow, because the compiler bounds the weights of every group of four taps (SPEC.md section 3.1, kind 11): taps
 * beyond the bound become residuals, which are added one by one.
 */
#ifndef BB_PACKED_H
#define BB_PACKED_H

#include "bb_operator.h"

#if defined(__arm__)
#define BB_ON_CORTEX_M0 1
/* Inner loops run from SRAM: fetched from flash they would share the XIP cache with the weights that they read. */
#define BB_TIME_CRITICAL __attribute__((section(".ramfunc"), noinline))
#else
#define BB_ON_CORTEX_M0 0
#define BB_TIME_CRITICAL
#endif

/* Output pixels that are computed together. */
#define BB_BLOCK 4

/*
 * Inputs of one block, 8 bytes per tap, in the scratch of the operator. On the Cortex-M0+ tap by tap as two words of two
 * packed pixels; elsewhere pixel by pixel as int16, which vectorizes. `taps` is a multiple of 4.
 */
typedef struct bb_columns {
#if BB_ON_CORTEX_M0
    uint32_t *data;
#else
    int16_t *data;
#endif
    uint32_t taps;
} bb_columns_t;

/* What one call of bb_packed_channels computes: `channels` consecutive output channels of the pixels of one block. */
typedef struct bb_block {
    const void *columns;
    const uint32_t *stream; /* first channel; after the call, the channel behind the last */
    int8_t *output;         /* of pixel 0 and the first channel */
    uint32_t offset[BB_BLOCK - 1]; /* bytes from there to pixels 1 .. 3; absent pixels repeat the last one */
    uint32_t channels;
    uint32_t taps; /* a multiple of 4: also the bytes of weights of a channel */
    int32_t zero_point, minimum, maximum;
    uint32_t landing; /* 1: the stairs have one (bb_stairs.h) */
} bb_block_t;

/*
 * A channel of the stream. Head: bias, counted from the base of the stairs and with the zero point of the input folded in;
 * number of residuals (high half) and `low` of the stairs. Then the weights, int8; the residuals, weight (low half) and tap
 * (high half); tail: shift (high byte) and `high` of the stairs, their offset, their limit, and of stairs with a landing kink and jump.
 */
#define BB_STREAM_HEAD_WORDS 2u
#define BB_STREAM_TAIL_WORDS 3u
#define BB_STREAM_LANDING_WORDS 2u

void bb_packed_channels(bb_block_t *block);

#if !BB_ON_CORTEX_M0
/* Adds the sum of columns[p * taps + k] * weights[k] to sums[p]; all pixels at once, since a weight is widened only once. */
void bb_add_products(int32_t sums[BB_BLOCK], const int16_t *columns, const int8_t *weights, uint32_t taps);
#endif

/*
 * A quad of FULLY_CONNECTED_PACKED, four output channels, in units of the stream (bb_stream.h): biases; multipliers and shifts,
 * if each channel has its own; residuals; weights. A bias is stored above 2 bits of the quad's count of residuals.
 */
#define BB_QUAD_CHANNELS 4u

#endif
