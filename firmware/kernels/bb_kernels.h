/*
 * Reference kernels: plain C, bit-exact with TensorFlow Lite's int8 specification. A kernel computes the units
 * `first .. end - 1` of its operator (bb_operator.h says what a unit is) and touches no other output byte. Operators come
 * from a checked image (bb_image_check), which bounds every access made here.
 */
#ifndef BB_KERNELS_H
#define BB_KERNELS_H

#include "bb_operator.h"

/* Runs the kernel that belongs to `op->kind`. */
void bb_kernel_run(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first, uint32_t end);

void bb_conv_2d(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first, uint32_t end);
void bb_depthwise_conv_2d(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first, uint32_t end);
void bb_fully_connected(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first, uint32_t end);
void bb_average_pool_2d(const bb_operator_t *op, int8_t *arena, uint32_t first, uint32_t end);
void bb_max_pool_2d(const bb_operator_t *op, int8_t *arena, uint32_t first, uint32_t end);
void bb_add(const bb_operator_t *op, int8_t *arena, uint32_t first, uint32_t end);
void bb_pad(const bb_operator_t *op, int8_t *arena, uint32_t first, uint32_t end);
void bb_mean(const bb_operator_t *op, int8_t *arena, uint32_t first, uint32_t end);
void bb_softmax(const bb_operator_t *op, int8_t *arena, uint32_t first, uint32_t end);
void bb_clamp(const bb_operator_t *op, int8_t *arena, uint32_t first, uint32_t end);

void bb_table(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first, uint32_t end);
void bb_binary(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first, uint32_t end);
void bb_copy(const bb_operator_t *op, int8_t *arena, uint32_t first, uint32_t end);
void bb_concatenation(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first, uint32_t end);
void bb_resize_nearest(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first, uint32_t end);

/* Fast kernels, bit-exact with those above; bb_packed.h. */
void bb_conv_2d_packed(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first, uint32_t end);
void bb_conv_2d_winograd(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first, uint32_t end);
void bb_conv_2d_streamed(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first, uint32_t end);
void bb_depthwise_conv_2d_packed(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first,
                                 uint32_t end);
void bb_fully_connected_packed(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first,
                               uint32_t end);
void bb_add_tabled(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first, uint32_t end);

#endif
