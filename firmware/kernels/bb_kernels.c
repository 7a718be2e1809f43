#include "bb_kernels.h"

void bb_kernel_run(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first, uint32_t end) {
    switch (op->kind) {
    case BB_OP_CONV_2D:
        bb_conv_2d(op, constants, arena, first, end);
        break;
    case BB_OP_DEPTHWISE_CONV_2D:
        bb_depthwise_conv_2d(op, constants, arena, first, end);
        break;
    case BB_OP_FULLY_CONNECTED:
        bb_fully_connected(op, constants, arena, first, end);
        break;
    case BB_OP_AVERAGE_POOL_2D:
        bb_average_pool_2d(op, arena, first, end);
        break;
    case BB_OP_MAX_POOL_2D:
        bb_max_pool_2d(op, arena, first, end);
        break;
    case BB_OP_ADD:
        bb_add(op, arena, first, end);
        break;
    case BB_OP_PAD:
        bb_pad(op, arena, first, end);
        break;
    case BB_OP_MEAN:
        bb_mean(op, arena, first, end);
        break;
    case BB_OP_SOFTMAX:
        bb_softmax(op, arena, first, end);
        break;
    case BB_OP_CLAMP:
        bb_clamp(op, arena, first, end);
        break;
    case BB_OP_CONV_2D_PACKED:
        bb_conv_2d_packed(op, constants, arena, first, end);
        break;
    case BB_OP_CONV_2D_STREAMED:
        bb_conv_2d_streamed(op, constants, arena, first, end);
        break;
    case BB_OP_DEPTHWISE_CONV_2D_PACKED:
        bb_depthwise_conv_2d_packed(op, constants, arena, first, end);
        break;
    case BB_OP_ADD_TABLED:
        bb_add_tabled(op, constants, arena, first, end);
        break;
    case BB_OP_FULLY_CONNECTED_PACKED:
        bb_fully_connected_packed(op, constants, arena, first, end);
        break;
    case BB_OP_CONV_2D_WINOGRAD:
        bb_conv_2d_winograd(op, constants, arena, first, end);
        break;
    case BB_OP_TABLE:
        bb_table(op, constants, arena, first, end);
        break;
    case BB_OP_BINARY:
        bb_binary(op, constants, arena, first, end);
        break;
    case BB_OP_COPY:
        bb_copy(op, arena, first, end);
        break;
    case BB_OP_CONCATENATION:
        bb_concatenation(op, constants, arena, first, end);
        break;
    case BB_OP_RESIZE_NEAREST:
        bb_resize_nearest(op, constants, arena, first, end);
        break;
    default: /* not in a checked image */
        break;
    }
}
