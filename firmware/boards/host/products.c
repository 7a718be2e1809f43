/* Products of the packed kernels' host twin, eight at a time. Only sums of int32 are regrouped, which changes no bit. */
#include "../../kernels/bb_packed.h"

#include <wasm_simd128.h>

static int32_t sum_of_lanes(v128_t v) {
    return wasm_i32x4_extract_lane(v, 0) + wasm_i32x4_extract_lane(v, 1) + wasm_i32x4_extract_lane(v, 2) +
           wasm_i32x4_extract_lane(v, 3);
}

void bb_add_products(int32_t sums[BB_BLOCK], const int16_t *columns, const int8_t *weights, uint32_t taps) {
    v128_t lanes[BB_BLOCK] = {{0}, {0}, {0}, {0}};
    uint32_t k = 0;
    for (; k + 8 <= taps; k += 8) {
        const v128_t wide = wasm_i16x8_load8x8(weights + k);
        for (uint32_t p = 0; p < BB_BLOCK; p++) {
            const v128_t products = wasm_i32x4_dot_i16x8(wasm_v128_load(columns + p * taps + k), wide);
            lanes[p] = wasm_i32x4_add(lanes[p], products);
        }
    }
    for (uint32_t p = 0; p < BB_BLOCK; p++) {
        sums[p] += sum_of_lanes(lanes[p]);
        for (uint32_t i = k; i < taps; i++) {
            sums[p] += columns[p * taps + i] * weights[i];
        }
    }
}
