/* The portable twin of bb_packed_channels_m0.c: the same stream, exact sums, no packing of pixels. */
#include "bb_packed.h"
#include "bb_requantize.h"
#include "bb_stairs.h"

#if !BB_ON_CORTEX_M0

#if !defined(__wasm_simd128__) /* boards/host/products.c does it with vectors */
void bb_add_products(int32_t sums[BB_BLOCK], const int16_t *columns, const int8_t *weights, uint32_t taps) {
    for (uint32_t k = 0; k < taps; k++) {
        const int16_t weight = weights[k];
        sums[0] += columns[k] * weight;
        sums[1] += columns[k + taps] * weight;
        sums[2] += columns[k + 2 * taps] * weight;
        sums[3] += columns[k + 3 * taps] * weight;
    }
}
#endif

void bb_packed_channels(bb_block_t *b) {
    const int16_t *const columns = b->columns;
    const uint32_t *stream = b->stream;
    const uint32_t taps = b->taps;
    int8_t *output = b->output;

    for (uint32_t c = 0; c < b->channels; c++) {
        const int32_t bias = (int32_t)stream[0];
        const uint32_t residuals = stream[1] >> 16;
        const int8_t *const weights = (const int8_t *)(stream + BB_STREAM_HEAD_WORDS);
        const uint32_t *const residual = stream + BB_STREAM_HEAD_WORDS + taps / 4u;
        const uint32_t *const tail = residual + residuals;
        const bb_stairs_t stairs = {
            .low = stream[1] & 0xffffu,
            .high = tail[0] & 0xffffffu,
            .shift = tail[0] >> 24,
            .offset = tail[1],
            .limit = tail[2],
            .kink = b->landing != 0 ? tail[3] : 0,
            .jump = b->landing != 0 ? tail[4] : 0,
        };
        int32_t sums[BB_BLOCK] = {bias, bias, bias, bias};
        bb_add_products(sums, columns, weights, taps);
        for (uint32_t p = BB_BLOCK; p-- > 0;) {
            const int16_t *const column = columns + p * taps;
            int32_t sum = sums[p];
            for (uint32_t r = 0; r < residuals; r++) {
                sum += column[residual[r] >> 16] * (int16_t)(residual[r] & 0xffffu);
            }
            /* Backwards, so that the last pixel there is wins over those that are not. */
            int8_t *const to = output + (p == 0 ? 0 : b->offset[p - 1]);
            if (stairs.limit == 0) {
                sum = bb_requantize(sum, (int32_t)stairs.offset, -(int32_t)stairs.shift) + b->zero_point;
                *to = bb_clamp_to_int8(sum, b->minimum, b->maximum);
            } else {
                *to = bb_climb(&stairs, sum, b->minimum, b->maximum);
            }
        }
        output++;
        stream = tail + BB_STREAM_TAIL_WORDS + (b->landing != 0 ? BB_STREAM_LANDING_WORDS : 0);
    }
    b->stream = stream;
    b->output = output;
}

#endif
