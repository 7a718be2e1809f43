/*
 * One operator of an image, exactly as stored: SPEC.md section 3.1. Every record is 128 bytes; the first 32 are common to
 * all kinds, the rest belongs to the kind. `input` and `output` are arena offsets, `weights` and `channels` are offsets
 * in the constants section, dimensions are elements, activations are int8 in NHWC order with batch 1.
 */
#ifndef BB_OPERATOR_H
#define BB_OPERATOR_H

#include <stdint.h>

#define BB_OPERATOR_BYTES 128u

enum {
    BB_OP_CONV_2D = 1,
    BB_OP_DEPTHWISE_CONV_2D = 2,
    BB_OP_FULLY_CONNECTED = 3,
    BB_OP_AVERAGE_POOL_2D = 4,
    BB_OP_MAX_POOL_2D = 5,
    BB_OP_ADD = 6,
    BB_OP_PAD = 7,
    BB_OP_MEAN = 8,
    BB_OP_SOFTMAX = 9,
    BB_OP_CLAMP = 10,
    BB_OP_CONV_2D_PACKED = 11,
    BB_OP_DEPTHWISE_CONV_2D_PACKED = 12,
    BB_OP_ADD_TABLED = 13,
    BB_OP_FULLY_CONNECTED_PACKED = 14,
    BB_OP_CONV_2D_STREAMED = 15,
    BB_OP_CONV_2D_WINOGRAD = 17,
    BB_OP_TABLE = 20,
    BB_OP_BINARY = 21,
    BB_OP_COPY = 22,
    BB_OP_CONCATENATION = 23,
    BB_OP_RESIZE_NEAREST = 24
};

/* What one output channel adds and how its accumulator becomes int8; a positive shift is to the left. */
typedef struct bb_channel {
    int32_t bias;
    int32_t multiplier;
    int32_t shift;
} bb_channel_t;

/* CONV_2D, DEPTHWISE_CONV_2D, AVERAGE_POOL_2D, MAX_POOL_2D and the packed ones. Unit: output row. */
typedef struct bb_window {
    uint16_t input_height, input_width, input_channels;
    uint16_t output_height, output_width, output_channels;
    uint16_t filter_height, filter_width;
    uint16_t stride_height, stride_width;
    uint16_t dilation_height, dilation_width;
    uint16_t pad_top, pad_left;
    uint16_t depth_multiplier;
    uint16_t reserved;
    uint32_t weights;  /* CONV_2D: [O][KH][KW][I]; DEPTHWISE_CONV_2D: [KH][KW][O]; packed: the stream */
    uint32_t channels; /* bb_channel_t[O]; packed: bytes of the stream */
    uint32_t scratch;  /* packed only: arena offset */
    uint32_t pass_words, pass_channels; /* CONV_2D_STREAMED only: how the stream is divided */
} bb_window_t;

/* Unit: output channel. */
typedef struct bb_fully_connected {
    uint32_t inputs;
    uint32_t weights;  /* [units][inputs]; packed: the stream */
    uint32_t channels; /* bb_channel_t[units]; packed: uint32_t[units / 4 + 1], where in the stream the quads begin, in words */
    int32_t multiplier, shift; /* packed only, as is the rest: of all channels, or shift 0 = each channel has its own */
    uint32_t residual_units;   /* units of the stream that a quad's count of residuals counts */
    uint32_t scratch;          /* arena offset */
    uint32_t buffer_bytes;     /* for the stream, at the beginning of the scratch; the inputs are behind it */
} bb_fully_connected_t;

/* Unit: a run of `unit_elements` consecutive elements. */
typedef struct bb_add {
    uint32_t unit_elements;
    uint32_t input2;
    int32_t input2_zero_point;
    int32_t input_multiplier, input_shift;
    int32_t input2_multiplier, input2_shift;
    int32_t output_multiplier, output_shift;
    uint32_t tables; /* ADD_TABLED only: int32[2][256] */
} bb_add_t;

/* Unit: output row. */
typedef struct bb_pad {
    uint16_t input_height, input_width, input_channels;
    uint16_t output_height, output_width, output_channels;
    uint16_t top, left, front; /* elements before, in height, width and channels */
    uint16_t reserved;
    int32_t value;
} bb_pad_t;

/* Input seen as [outer][reduced][inner], output as [outer][inner]. Unit: one of `outer`. */
typedef struct bb_mean {
    uint32_t reduced;
    uint32_t inner;
    int32_t multiplier, shift; /* with 1 / reduced folded in */
} bb_mean_t;

/* Unit: one row of `depth` elements. */
typedef struct bb_softmax {
    uint32_t depth;
    int32_t multiplier, shift;
    int32_t difference_minimum; /* below this distance from the row's maximum, the result is 0 */
} bb_softmax_t;

/* Unit: a run of `unit_elements` consecutive elements. */
typedef struct bb_clamp {
    uint32_t unit_elements;
    int32_t multiplier, shift;
} bb_clamp_t;

/* Unit: a run of `unit_elements` consecutive elements; element i of the tensor goes through table i % count. */
typedef struct bb_table {
    uint32_t unit_elements;
    uint32_t tables; /* int8[count][256] */
    uint32_t count;
} bb_table_t;

enum { BB_BINARY_ADD = 0, BB_SUB = 1, BB_MUL = 2, BB_SUB_REVERSED = 3 };

/* Output seen as [units][columns][channels]. Unit: a row. Strides are bytes; 0 broadcasts. */
typedef struct bb_binary {
    uint8_t function;
    uint8_t right_is_constant; /* 1: input2 is an offset in the constants section, not in the arena */
    uint16_t reserved;
    uint32_t input2;
    int32_t input2_zero_point;
    uint32_t columns, channels;
    uint32_t strides[3], input2_strides[3]; /* row, column, channel */
    int32_t input_multiplier, input_shift; /* MUL: 0, as the next two */
    int32_t input2_multiplier, input2_shift;
    int32_t output_multiplier, output_shift;
} bb_binary_t;

/* Output seen as [units][extents...], the last innermost. Strides are bytes between neighbours in the input. */
typedef struct bb_copy {
    uint32_t begin; /* of the element that becomes the first one, from the input's first */
    int32_t unit_stride;
    uint32_t extents[4];
    int32_t strides[4];
} bb_copy_t;

#define BB_NO_TABLE 0xFFFFFFFFu

/* One input of CONCATENATION: arena offset, bytes per run, int8[256] that brings it to the output's scale or BB_NO_TABLE. */
typedef struct bb_part {
    uint32_t input;
    uint32_t length;
    uint32_t table;
} bb_part_t;

/* Unit: a run of `unit_elements` consecutive elements. */
typedef struct bb_concatenation {
    uint32_t unit_elements;
    uint32_t total; /* bytes of one run of every part */
    uint32_t parts; /* bb_part_t[part_count] */
    uint32_t part_count;
} bb_concatenation_t;

/* Unit: output row. */
typedef struct bb_resize {
    uint16_t input_height, input_width, channels, output_width;
    uint32_t rows;    /* uint16[units] */
    uint32_t columns; /* uint16[output_width] */
} bb_resize_t;

typedef struct bb_operator {
    uint8_t kind;
    uint8_t reserved[3];
    uint32_t units;
    uint32_t input;
    uint32_t output;
    int32_t input_zero_point;
    int32_t output_zero_point;
    int32_t minimum; /* clamp of the output, -128 .. 127 */
    int32_t maximum;
    union {
        bb_window_t window;
        bb_fully_connected_t fully_connected;
        bb_add_t add;
        bb_pad_t pad;
        bb_mean_t mean;
        bb_softmax_t softmax;
        bb_clamp_t clamp;
        bb_table_t table;
        bb_binary_t binary;
        bb_copy_t copy;
        bb_concatenation_t concatenation;
        bb_resize_t resize;
        uint8_t bytes[96];
    } as;
} bb_operator_t;

_Static_assert(sizeof(bb_operator_t) == BB_OPERATOR_BYTES, "operator layout is fixed by SPEC.md");
_Static_assert(sizeof(bb_channel_t) == 12, "channel layout is fixed by SPEC.md");
_Static_assert(sizeof(bb_part_t) == 12, "part layout is fixed by SPEC.md");

#endif
