#include <string.h>

#include "bb_kernels.h"

/* TRANSPOSE, SLICE and the like: the element of the output at each index lies in the input at a distance linear in the index. */
void bb_copy(const bb_operator_t *op, int8_t *arena, uint32_t first, uint32_t end) {
    const bb_copy_t *const c = &op->as.copy;
    const uint32_t *const n = c->extents;
    const int32_t *const s = c->strides;
    int8_t *output = arena + op->output + first * n[0] * n[1] * n[2] * n[3];

    for (uint32_t unit = first; unit < end; unit++) {
        for (uint32_t i = 0; i < n[0]; i++) {
            for (uint32_t j = 0; j < n[1]; j++) {
                for (uint32_t k = 0; k < n[2]; k++) {
                    const int8_t *from = arena + op->input +
                                         ((int32_t)unit * c->unit_stride + (int32_t)i * s[0] + (int32_t)j * s[1] +
                                          (int32_t)k * s[2] + (int32_t)c->begin);
                    if (s[3] == 1) {
                        memcpy(output, from, n[3]);
                        output += n[3];
                        continue;
                    }
                    for (uint32_t l = 0; l < n[3]; l++) {
                        *output++ = *from;
                        from += s[3];
                    }
                }
            }
        }
    }
}
