/*
 * Checks of image and data set. Everything that the interpreter and the kernels later take on trust is established here:
 * whatever bytes pass, no access leaves arena, NVM, constants or data set, and no kernel divides by zero.
 */
#include "bb_image.h"

#include <stddef.h>

#include "../kernels/bb_packed.h"
#include "../kernels/bb_planes.h"
#include "../kernels/bb_stairs.h"
#include "../kernels/bb_stream.h"
#include "../kernels/bb_winograd.h"
#include "bb_crc32.h"
#include "bb_runtime.h"

/* CRCs cover everything behind the field that holds them. */
#define CHECKED_FROM 16u
/* Keeps every coordinate of a window far from overflow in 32 bits. */
#define COORDINATE_LIMIT (1 << 20)
/* Exponentials of one softmax row are summed in 12 integer bits. */
#define SOFTMAX_DEPTH_LIMIT 4095u

/* What the checks of one operator need to know; `at` is the offset of its record in the image, for `detail`. */
typedef struct context {
    const uint8_t *image;
    const bb_image_header_t *header;
    uint32_t at;
    uint32_t bad; /* offset of the first bad field, 0 = none yet */
} context_t;

static bool in_range(uint32_t offset, uint64_t bytes, uint32_t capacity) {
    return offset <= capacity && bytes <= capacity - offset;
}

static bool all_zero(const uint8_t *bytes, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

/* Notes the first failing field of an operator; returns `ok`, so that dependent checks can stop. */
static bool require(context_t *c, bool ok, size_t field) {
    if (!ok && c->bad == 0) {
        c->bad = c->at + (uint32_t)field;
    }
    return ok;
}

#define FIELD(name) offsetof(bb_operator_t, name)

static bool arena_holds(context_t *c, uint32_t offset, uint64_t bytes, size_t field) {
    return require(c, bytes > 0 && in_range(offset, bytes, c->header->arena_bytes), field);
}

static bool constants_hold(context_t *c, uint32_t offset, uint64_t bytes, size_t field) {
    return require(c, in_range(offset, bytes, c->header->constants_bytes), field);
}

static bool shift_ok(int32_t shift) {
    return shift >= -31 && shift <= 30;
}

static bool scaling_ok(context_t *c, int32_t multiplier, int32_t shift, size_t field) {
    return require(c, multiplier >= 0 && shift_ok(shift), field);
}

static void check_channels(context_t *c, uint32_t offset, uint32_t count, size_t field) {
    if (!require(c, offset % 4u == 0, field) ||
        !constants_hold(c, offset, (uint64_t)count * sizeof(bb_channel_t), field)) {
        return;
    }
    const bb_channel_t *channels = (const bb_channel_t *)(const void *)(c->image + c->header->constants_offset + offset);
    for (uint32_t i = 0; i < count; i++) {
        if (!require(c, channels[i].multiplier >= 0 && shift_ok(channels[i].shift), field)) {
            return;
        }
    }
}

/* Every window of one dimension must meet the input, or an average would divide by zero. */
static bool windows_meet_input(int32_t outputs, int32_t stride, int32_t padding, int32_t filter, int32_t input) {
    return padding < filter && (outputs - 1) * stride - padding < input;
}

/* bb_port.h */
#define BURST_WORDS_LIMIT 65536u

/*
 * Walks `channels` channels of the stream of a packed operator, which has `words` words: every channel and every tap that a
 * residual names must be there. Returns the words they take, or 0 when something is wrong.
 */
static uint32_t check_channel_stream(context_t *c, const bb_operator_t *op, const uint32_t *stream, uint32_t words,
                                     uint32_t channels, uint32_t taps) {
    const bool landing = bb_has_landing(op->minimum, op->output_zero_point);
    const uint32_t tail_words = BB_STREAM_TAIL_WORDS + (landing ? BB_STREAM_LANDING_WORDS : 0);
    uint32_t at = 0;
    for (; channels > 0; channels--) {
        const uint32_t residuals_at = at + BB_STREAM_HEAD_WORDS + taps / 4u;
        if (!require(c, residuals_at + tail_words <= words, FIELD(as.window.channels))) {
            return 0;
        }
        const uint32_t residuals = stream[at + 1] >> 16;
        if (!require(c, residuals <= words - residuals_at - tail_words, FIELD(as.window.channels))) {
            return 0;
        }
        for (uint32_t i = 0; i < residuals; i++) {
            if (!require(c, stream[residuals_at + i] >> 16 < taps, FIELD(as.window.weights))) {
                return 0;
            }
        }
        const uint32_t *const tail = stream + residuals_at + residuals;
        const uint32_t shift = tail[0] >> 24;
        if (!require(c, shift <= 31 && (tail[2] != 0 || (shift >= 1 && tail[1] <= INT32_MAX)), FIELD(as.window.weights))) {
            return 0;
        }
        at = residuals_at + residuals + tail_words;
    }
    return at;
}

/* The stream of a packed operator, or NULL. */
static const uint32_t *stream_of(context_t *c, const bb_window_t *w) {
    if (!require(c, w->weights % 4u == 0, FIELD(as.window.weights)) ||
        !require(c, w->channels % 4u == 0, FIELD(as.window.channels)) ||
        !constants_hold(c, w->weights, w->channels, FIELD(as.window.weights))) {
        return NULL;
    }
    return (const uint32_t *)(const void *)(c->image + c->header->constants_offset + w->weights);
}

static void check_packed_conv_2d(context_t *c, const bb_operator_t *op) {
    const bb_window_t *const w = &op->as.window;
    const uint64_t taps = ((uint64_t)w->filter_height * w->filter_width * w->input_channels + 3u) & ~UINT64_C(3);
    require(c, w->depth_multiplier == 0, FIELD(as.window.depth_multiplier));
    if (require(c, w->scratch % 4u == 0, FIELD(as.window.scratch)) &&
        arena_holds(c, w->scratch, 2u * BB_BLOCK * taps + (uint64_t)w->filter_width * w->input_channels,
                    FIELD(as.window.scratch))) {
        const uint32_t *const stream = stream_of(c, w);
        if (stream != NULL) {
            const uint32_t words = w->channels / 4u;
            const uint32_t used = check_channel_stream(c, op, stream, words, w->output_channels, (uint32_t)taps);
            require(c, used == words, FIELD(as.window.channels));
        }
    }
}

static void check_streamed_conv_2d(context_t *c, const bb_operator_t *op) {
    const bb_window_t *const w = &op->as.window;
    const uint64_t taps = ((uint64_t)w->filter_height * w->filter_width * w->input_channels + 3u) & ~UINT64_C(3);
    const uint64_t blocks = ((uint64_t)w->output_height * w->output_width + BB_BLOCK - 1u) / BB_BLOCK;
    const uint64_t padding = ((uint64_t)w->filter_width * w->input_channels + 3u) & ~UINT64_C(3);
    const uint32_t words = w->pass_words;
    const uint32_t channels = w->pass_channels;
    require(c, w->depth_multiplier == 0, FIELD(as.window.depth_multiplier));
    if (!require(c, words > 0 && words <= BURST_WORDS_LIMIT, FIELD(as.window.pass_words)) ||
        !require(c, channels > 0 && channels <= w->output_channels, FIELD(as.window.pass_channels)) ||
        !require(c, w->scratch % 4u == 0, FIELD(as.window.scratch)) ||
        !require(c, taps <= c->header->constants_bytes && blocks <= c->header->arena_bytes, FIELD(as.window)) ||
        !arena_holds(c, w->scratch, 2u * BB_BLOCK * taps * blocks + padding + 8u * (uint64_t)words,
                     FIELD(as.window.scratch))) {
        return;
    }
    const uint32_t passes = (w->output_channels + channels - 1u) / channels;
    const uint32_t *stream = stream_of(c, w);
    if (stream == NULL || !require(c, w->channels / 4u == (uint64_t)passes * words, FIELD(as.window.channels))) {
        return;
    }
    for (uint32_t first = 0; first < w->output_channels; first += channels, stream += words) {
        const uint32_t left = w->output_channels - first;
        if (check_channel_stream(c, op, stream, words, left < channels ? left : channels, (uint32_t)taps) == 0) {
            return;
        }
    }
}

static void check_winograd_conv_2d(context_t *c, const bb_operator_t *op) {
    const bb_window_t *const w = &op->as.window;
    require(c, w->filter_height == 3, FIELD(as.window.filter_height));
    require(c, w->filter_width == 3, FIELD(as.window.filter_width));
    require(c, w->stride_height == 1, FIELD(as.window.stride_height));
    require(c, w->stride_width == 1, FIELD(as.window.stride_width));
    require(c, w->dilation_height == 1, FIELD(as.window.dilation_height));
    require(c, w->dilation_width == 1, FIELD(as.window.dilation_width));
    if (arena_holds(c, w->scratch, bb_winograd_scratch(w->input_channels), FIELD(as.window.scratch))) {
        check_packed_conv_2d(c, op);
    }
}

static void check_packed_depthwise_conv_2d(context_t *c, const bb_operator_t *op) {
    const bb_window_t *const w = &op->as.window;
    const uint32_t record_bytes = bb_depthwise_record_bytes(bb_has_landing(op->minimum, op->output_zero_point));
    require(c, (uint32_t)w->input_channels * w->depth_multiplier == w->output_channels,
            FIELD(as.window.depth_multiplier));
    require(c, w->filter_height == 3, FIELD(as.window.filter_height));
    require(c, w->filter_width == 3, FIELD(as.window.filter_width));
    require(c, w->dilation_width == 1, FIELD(as.window.dilation_width));
    if (!require(c, w->scratch % 4u == 0, FIELD(as.window.scratch)) ||
        !arena_holds(c, w->scratch, bb_plane_scratch(w->output_height, w->stride_height, w->dilation_height),
                     FIELD(as.window.scratch)) ||
        !require(c, w->channels == record_bytes * w->output_channels, FIELD(as.window.channels)) ||
        !require(c, w->weights % 4u == 0, FIELD(as.window.weights)) ||
        !constants_hold(c, w->weights, w->channels, FIELD(as.window.weights))) {
        return;
    }
    const uint8_t *record = c->image + c->header->constants_offset + w->weights;
    for (uint32_t channel = 0; channel < w->output_channels; channel++, record += record_bytes) {
        if (!require(c, ((const bb_depthwise_record_t *)(const void *)record)->shift <= 31, FIELD(as.window.weights))) {
            return;
        }
    }
}

static void check_window(context_t *c, const bb_operator_t *op) {
    const bb_window_t *w = &op->as.window;
    const uint16_t positive[] = {
        w->input_height,  w->input_width,  w->input_channels, w->output_height, w->output_width,    w->output_channels,
        w->filter_height, w->filter_width, w->stride_height,  w->stride_width,  w->dilation_height, w->dilation_width,
    };
    for (uint32_t i = 0; i < sizeof positive / sizeof positive[0]; i++) {
        if (!require(c, positive[i] > 0, FIELD(as.window) + 2 * i)) {
            return;
        }
    }
    if (!require(c, (uint32_t)w->output_height * w->stride_height < COORDINATE_LIMIT, FIELD(as.window.stride_height)) ||
        !require(c, (uint32_t)w->output_width * w->stride_width < COORDINATE_LIMIT, FIELD(as.window.stride_width)) ||
        !require(c, (uint32_t)w->filter_height * w->dilation_height < COORDINATE_LIMIT,
                 FIELD(as.window.dilation_height)) ||
        !require(c, (uint32_t)w->filter_width * w->dilation_width < COORDINATE_LIMIT, FIELD(as.window.dilation_width)) ||
        !require(c, op->units == w->output_height, FIELD(units)) ||
        !require(c, w->reserved == 0, FIELD(as.window.reserved)) ||
        !arena_holds(c, op->input, (uint64_t)w->input_height * w->input_width * w->input_channels, FIELD(input)) ||
        !arena_holds(c, op->output, (uint64_t)w->output_height * w->output_width * w->output_channels, FIELD(output))) {
        return;
    }
    const uint64_t taps = (uint64_t)w->filter_height * w->filter_width * w->output_channels;
    if (op->kind == BB_OP_CONV_2D) {
        const uint64_t filter_bytes = (uint64_t)w->filter_height * w->filter_width * w->input_channels;
        if (require(c, filter_bytes <= c->header->constants_bytes, FIELD(as.window.weights))) {
            constants_hold(c, w->weights, filter_bytes * w->output_channels, FIELD(as.window.weights));
        }
        check_channels(c, w->channels, w->output_channels, FIELD(as.window.channels));
        require(c, w->depth_multiplier == 0, FIELD(as.window.depth_multiplier));
    } else if (op->kind == BB_OP_DEPTHWISE_CONV_2D_PACKED) {
        check_packed_depthwise_conv_2d(c, op);
    } else if (op->kind == BB_OP_CONV_2D_PACKED) {
        check_packed_conv_2d(c, op);
    } else if (op->kind == BB_OP_CONV_2D_WINOGRAD) {
        check_winograd_conv_2d(c, op);
    } else if (op->kind == BB_OP_CONV_2D_STREAMED) {
        check_streamed_conv_2d(c, op);
    } else if (op->kind == BB_OP_DEPTHWISE_CONV_2D) {
        require(c, (uint32_t)w->input_channels * w->depth_multiplier == w->output_channels,
                FIELD(as.window.depth_multiplier));
        constants_hold(c, w->weights, taps, FIELD(as.window.weights));
        check_channels(c, w->channels, w->output_channels, FIELD(as.window.channels));
    } else {
        require(c, w->input_channels == w->output_channels, FIELD(as.window.output_channels));
        require(c, w->dilation_height == 1, FIELD(as.window.dilation_height));
        require(c, w->dilation_width == 1, FIELD(as.window.dilation_width));
        require(c, w->depth_multiplier == 0, FIELD(as.window.depth_multiplier));
        require(c, w->weights == 0, FIELD(as.window.weights));
        require(c, w->channels == 0, FIELD(as.window.channels));
        require(c, windows_meet_input(w->output_height, w->stride_height, w->pad_top, w->filter_height, w->input_height),
                FIELD(as.window.pad_top));
        require(c, windows_meet_input(w->output_width, w->stride_width, w->pad_left, w->filter_width, w->input_width),
                FIELD(as.window.pad_left));
    }
}

static void check_fully_connected(context_t *c, const bb_operator_t *op) {
    const bb_fully_connected_t *f = &op->as.fully_connected;
    if (arena_holds(c, op->input, f->inputs, FIELD(input)) && arena_holds(c, op->output, op->units, FIELD(output))) {
        constants_hold(c, f->weights, (uint64_t)f->inputs * op->units, FIELD(as.fully_connected.weights));
        check_channels(c, f->channels, op->units, FIELD(as.fully_connected.channels));
    }
}

#define STREAM_BUFFER_LIMIT (2u * 4u * BURST_WORDS_LIMIT)

/* Walks the quads: each must begin where the one before it ends, and name no input that is not there. */
static void check_quads(context_t *c, const bb_fully_connected_t *f, uint32_t count) {
    const uint8_t *const constants = c->image + c->header->constants_offset;
    const uint32_t *const stream = (const uint32_t *)(const void *)(constants + f->weights);
    const uint32_t *const begin = (const uint32_t *)(const void *)(constants + f->channels);
    const uint32_t groups = f->inputs / 4u + (f->inputs % 4u != 0);
    for (uint32_t q = 0; q < count; q++) {
        uint32_t at = begin[q] + BB_STREAM_UNIT_WORDS;
        if (!require(c, begin[q] < begin[q + 1] && begin[q + 1] <= c->header->constants_bytes / 4u &&
                            in_range(f->weights, 4u * begin[q + 1], c->header->constants_bytes),
                     FIELD(as.fully_connected.channels))) {
            return;
        }
        uint64_t residuals = 0;
        for (uint32_t i = 0; i < BB_QUAD_CHANNELS; i++) {
            residuals |= (stream[begin[q] + i] & 3u) << (2 * i);
        }
        residuals *= (uint64_t)BB_STREAM_UNIT_WORDS * f->residual_units;
        const uint32_t own = f->shift == 0 ? 2u * BB_STREAM_UNIT_WORDS : 0;
        if (!require(c, begin[q + 1] - begin[q] == BB_STREAM_UNIT_WORDS * (uint64_t)(1u + groups) + own + residuals,
                     FIELD(as.fully_connected.channels))) {
            return;
        }
        for (uint32_t i = 0; own != 0 && i < BB_QUAD_CHANNELS; i++) {
            const int32_t shift = (int32_t)stream[at + BB_STREAM_UNIT_WORDS + i];
            if (!require(c, (int32_t)stream[at + i] >= 0 && shift >= 1 && shift <= 31, FIELD(as.fully_connected.weights))) {
                return;
            }
        }
        at += own;
        for (; residuals > 0; residuals--) {
            if (!require(c, stream[at++] >> 10 < f->inputs, FIELD(as.fully_connected.weights))) {
                return;
            }
        }
    }
}

static void check_packed_fully_connected(context_t *c, const bb_operator_t *op) {
    const bb_fully_connected_t *f = &op->as.fully_connected;
    const uint64_t inputs = ((uint64_t)f->inputs + 3u) & ~UINT64_C(3);
    const uint32_t quads = op->units / BB_QUAD_CHANNELS + (op->units % BB_QUAD_CHANNELS != 0);
    if (!arena_holds(c, op->input, f->inputs, FIELD(input)) || !arena_holds(c, op->output, op->units, FIELD(output)) ||
        !require(c, f->inputs > 0, FIELD(as.fully_connected.inputs)) ||
        !require(c, f->scratch % 4u == 0, FIELD(as.fully_connected.scratch)) ||
        !require(c, f->buffer_bytes > 0 && f->buffer_bytes % BB_STREAM_BUFFER_GRAIN == 0 &&
                        f->buffer_bytes <= STREAM_BUFFER_LIMIT,
                 FIELD(as.fully_connected.buffer_bytes)) ||
        !arena_holds(c, f->scratch, f->buffer_bytes + 5u * inputs, FIELD(as.fully_connected.scratch)) ||
        !require(c, f->multiplier >= 0, FIELD(as.fully_connected.multiplier)) ||
        !require(c, f->shift >= 0 && f->shift <= 31, FIELD(as.fully_connected.shift)) ||
        !require(c, f->weights % 4u == 0, FIELD(as.fully_connected.weights)) ||
        !constants_hold(c, f->weights, 0, FIELD(as.fully_connected.weights)) ||
        !require(c, f->channels % 4u == 0, FIELD(as.fully_connected.channels)) ||
        !constants_hold(c, f->channels, 4u * ((uint64_t)quads + 1u), FIELD(as.fully_connected.channels))) {
        return;
    }
    check_quads(c, f, quads);
}

static void check_add(context_t *c, const bb_operator_t *op) {
    const bb_add_t *a = &op->as.add;
    const uint64_t bytes = (uint64_t)op->units * a->unit_elements;
    arena_holds(c, op->input, bytes, FIELD(input));
    arena_holds(c, a->input2, bytes, FIELD(as.add.input2));
    arena_holds(c, op->output, bytes, FIELD(output));
    require(c, a->input2_zero_point >= -128 && a->input2_zero_point <= 127, FIELD(as.add.input2_zero_point));
    scaling_ok(c, a->input_multiplier, a->input_shift, FIELD(as.add.input_multiplier));
    scaling_ok(c, a->input2_multiplier, a->input2_shift, FIELD(as.add.input2_multiplier));
    scaling_ok(c, a->output_multiplier, a->output_shift, FIELD(as.add.output_multiplier));
    if (op->kind == BB_OP_ADD_TABLED) {
        require(c, a->output_shift <= -1, FIELD(as.add.output_shift));
        require(c, a->tables % 4u == 0, FIELD(as.add.tables));
        constants_hold(c, a->tables, 2048, FIELD(as.add.tables));
    }
}

static void check_pad(context_t *c, const bb_operator_t *op) {
    const bb_pad_t *p = &op->as.pad;
    arena_holds(c, op->input, (uint64_t)p->input_height * p->input_width * p->input_channels, FIELD(input));
    arena_holds(c, op->output, (uint64_t)p->output_height * p->output_width * p->output_channels, FIELD(output));
    require(c, op->units == p->output_height, FIELD(units));
    require(c, (uint32_t)p->top + p->input_height <= p->output_height, FIELD(as.pad.top));
    require(c, (uint32_t)p->left + p->input_width <= p->output_width, FIELD(as.pad.left));
    require(c, (uint32_t)p->front + p->input_channels <= p->output_channels, FIELD(as.pad.front));
    require(c, p->reserved == 0, FIELD(as.pad.reserved));
    require(c, p->value >= -128 && p->value <= 127, FIELD(as.pad.value));
}

static void check_mean(context_t *c, const bb_operator_t *op) {
    const bb_mean_t *m = &op->as.mean;
    const uint64_t outputs = (uint64_t)op->units * m->inner;
    if (arena_holds(c, op->output, outputs, FIELD(output)) &&
        require(c, m->reduced > 0 && m->reduced <= c->header->arena_bytes, FIELD(as.mean.reduced))) {
        arena_holds(c, op->input, outputs * m->reduced, FIELD(input));
    }
    scaling_ok(c, m->multiplier, m->shift, FIELD(as.mean.multiplier));
}

static void check_softmax(context_t *c, const bb_operator_t *op) {
    const bb_softmax_t *s = &op->as.softmax;
    const uint64_t bytes = (uint64_t)op->units * s->depth;
    require(c, s->depth > 0 && s->depth <= SOFTMAX_DEPTH_LIMIT, FIELD(as.softmax.depth));
    arena_holds(c, op->input, bytes, FIELD(input));
    arena_holds(c, op->output, bytes, FIELD(output));
    require(c, s->multiplier >= 0 && s->shift >= 0 && s->shift <= 31, FIELD(as.softmax.multiplier));
    require(c, s->difference_minimum <= 0, FIELD(as.softmax.difference_minimum));
}

static void check_clamp(context_t *c, const bb_operator_t *op) {
    const bb_clamp_t *k = &op->as.clamp;
    const uint64_t bytes = (uint64_t)op->units * k->unit_elements;
    arena_holds(c, op->input, bytes, FIELD(input));
    arena_holds(c, op->output, bytes, FIELD(output));
    scaling_ok(c, k->multiplier, k->shift, FIELD(as.clamp.multiplier));
}

static void check_table(context_t *c, const bb_operator_t *op) {
    const bb_table_t *t = &op->as.table;
    const uint64_t bytes = (uint64_t)op->units * t->unit_elements;
    arena_holds(c, op->input, bytes, FIELD(input));
    arena_holds(c, op->output, bytes, FIELD(output));
    require(c, t->count > 0, FIELD(as.table.count));
    constants_hold(c, t->tables, 256u * (uint64_t)t->count, FIELD(as.table.tables));
}

/* Bytes that an input of BINARY spans; more than any memory has, when a product would not fit. */
static uint64_t strided_bytes(const bb_operator_t *op, const uint32_t strides[3]) {
    const bb_binary_t *b = &op->as.binary;
    return 1u + (op->units - 1u) * (uint64_t)strides[0] + (b->columns - 1u) * (uint64_t)strides[1] +
           (b->channels - 1u) * (uint64_t)strides[2];
}

static void check_binary(context_t *c, const bb_operator_t *op) {
    const bb_binary_t *b = &op->as.binary;
    const uint32_t limit = c->header->arena_bytes;
    require(c, b->function <= BB_SUB_REVERSED, FIELD(as.binary.function));
    require(c, b->right_is_constant <= 1, FIELD(as.binary.right_is_constant));
    require(c, b->reserved == 0, FIELD(as.binary.reserved));
    require(c, b->input2_zero_point >= -128 && b->input2_zero_point <= 127, FIELD(as.binary.input2_zero_point));
    if (!require(c, b->columns > 0 && b->columns <= limit, FIELD(as.binary.columns)) ||
        !require(c, b->channels > 0 && b->channels <= limit / b->columns, FIELD(as.binary.channels))) {
        return;
    }
    arena_holds(c, op->output, (uint64_t)op->units * b->columns * b->channels, FIELD(output));
    for (uint32_t i = 0; i < 3; i++) {
        require(c, b->strides[i] <= limit, FIELD(as.binary.strides));
        require(c, b->input2_strides[i] <= INT32_MAX, FIELD(as.binary.input2_strides));
    }
    arena_holds(c, op->input, strided_bytes(op, b->strides), FIELD(input));
    if (b->right_is_constant) {
        constants_hold(c, b->input2, strided_bytes(op, b->input2_strides), FIELD(as.binary.input2));
    } else {
        arena_holds(c, b->input2, strided_bytes(op, b->input2_strides), FIELD(as.binary.input2));
    }
    scaling_ok(c, b->input_multiplier, b->input_shift, FIELD(as.binary.input_multiplier));
    scaling_ok(c, b->input2_multiplier, b->input2_shift, FIELD(as.binary.input2_multiplier));
    scaling_ok(c, b->output_multiplier, b->output_shift, FIELD(as.binary.output_multiplier));
}

/* Adds what a dimension contributes to the lowest and highest distance from the input; false when it goes anywhere. */
static bool widen(const context_t *c, uint32_t extent, int32_t stride, int64_t *lowest, int64_t *highest) {
    const int64_t limit = c->header->arena_bytes;
    if (extent == 0 || extent > limit || stride > limit || stride < -limit) {
        return false;
    }
    const int64_t reach = (int64_t)(extent - 1u) * stride;
    *(reach < 0 ? lowest : highest) += reach;
    return true;
}

static void check_copy(context_t *c, const bb_operator_t *op) {
    const bb_copy_t *k = &op->as.copy;
    uint64_t bytes = op->units;
    int64_t lowest = k->begin;
    int64_t highest = k->begin;
    if (!require(c, k->begin < c->header->arena_bytes, FIELD(as.copy.begin)) ||
        !require(c, widen(c, op->units, k->unit_stride, &lowest, &highest), FIELD(as.copy.unit_stride))) {
        return;
    }
    for (uint32_t i = 0; i < 4; i++) {
        if (!require(c, widen(c, k->extents[i], k->strides[i], &lowest, &highest), FIELD(as.copy.extents) + 4 * i)) {
            return;
        }
        bytes *= k->extents[i];
        if (!require(c, bytes <= c->header->arena_bytes, FIELD(as.copy.extents) + 4 * i)) {
            return;
        }
    }
    arena_holds(c, op->output, bytes, FIELD(output));
    if (require(c, lowest >= 0, FIELD(as.copy.begin))) {
        arena_holds(c, op->input, (uint64_t)highest + 1u, FIELD(input));
    }
}

static void check_concatenation(context_t *c, const bb_operator_t *op) {
    const bb_concatenation_t *k = &op->as.concatenation;
    const uint64_t bytes = (uint64_t)op->units * k->unit_elements;
    if (!arena_holds(c, op->output, bytes, FIELD(output)) ||
        !require(c, k->total > 0 && bytes % k->total == 0, FIELD(as.concatenation.total)) ||
        !require(c, k->parts % 4u == 0, FIELD(as.concatenation.parts)) ||
        !require(c, k->part_count > 0, FIELD(as.concatenation.part_count)) ||
        !constants_hold(c, k->parts, (uint64_t)k->part_count * sizeof(bb_part_t), FIELD(as.concatenation.parts))) {
        return;
    }
    const bb_part_t *parts = (const bb_part_t *)(const void *)(c->image + c->header->constants_offset + k->parts);
    const uint64_t runs = bytes / k->total;
    uint64_t total = 0;
    for (uint32_t i = 0; i < k->part_count; i++) {
        total += parts[i].length;
        if (!require(c, total <= k->total, FIELD(as.concatenation.total)) ||
            !arena_holds(c, parts[i].input, runs * parts[i].length, FIELD(as.concatenation.parts)) ||
            (parts[i].table != BB_NO_TABLE && !constants_hold(c, parts[i].table, 256, FIELD(as.concatenation.parts)))) {
            return;
        }
    }
    require(c, total == k->total, FIELD(as.concatenation.total));
}

static void check_resize(context_t *c, const bb_operator_t *op) {
    const bb_resize_t *r = &op->as.resize;
    if (!arena_holds(c, op->input, (uint64_t)r->input_height * r->input_width * r->channels, FIELD(input)) ||
        !arena_holds(c, op->output, (uint64_t)op->units * r->output_width * r->channels, FIELD(output)) ||
        !require(c, r->rows % 2u == 0, FIELD(as.resize.rows)) ||
        !require(c, r->columns % 2u == 0, FIELD(as.resize.columns)) ||
        !constants_hold(c, r->rows, 2u * (uint64_t)op->units, FIELD(as.resize.rows)) ||
        !constants_hold(c, r->columns, 2u * (uint64_t)r->output_width, FIELD(as.resize.columns))) {
        return;
    }
    const uint8_t *constants = c->image + c->header->constants_offset;
    const uint16_t *rows = (const uint16_t *)(const void *)(constants + r->rows);
    const uint16_t *columns = (const uint16_t *)(const void *)(constants + r->columns);
    for (uint32_t i = 0; i < op->units; i++) {
        if (!require(c, rows[i] < r->input_height, FIELD(as.resize.rows))) {
            return;
        }
    }
    for (uint32_t i = 0; i < r->output_width; i++) {
        if (!require(c, columns[i] < r->input_width, FIELD(as.resize.columns))) {
            return;
        }
    }
}

/* Bytes of a record that its kind gives a meaning; the rest must be zero. 0 = no such kind. */
static uint32_t used_bytes(uint8_t kind) {
    const uint32_t common = FIELD(as);
    switch (kind) {
    case BB_OP_CONV_2D:
    case BB_OP_DEPTHWISE_CONV_2D:
    case BB_OP_AVERAGE_POOL_2D:
    case BB_OP_MAX_POOL_2D:
        return FIELD(as.window.scratch);
    case BB_OP_CONV_2D_PACKED:
    case BB_OP_DEPTHWISE_CONV_2D_PACKED:
    case BB_OP_CONV_2D_WINOGRAD:
        return FIELD(as.window.pass_words);
    case BB_OP_CONV_2D_STREAMED:
        return common + sizeof(bb_window_t);
    case BB_OP_FULLY_CONNECTED:
        return FIELD(as.fully_connected.multiplier);
    case BB_OP_FULLY_CONNECTED_PACKED:
        return common + sizeof(bb_fully_connected_t);
    case BB_OP_ADD:
        return FIELD(as.add.tables);
    case BB_OP_ADD_TABLED:
        return common + sizeof(bb_add_t);
    case BB_OP_PAD:
        return common + sizeof(bb_pad_t);
    case BB_OP_MEAN:
        return common + sizeof(bb_mean_t);
    case BB_OP_SOFTMAX:
        return common + sizeof(bb_softmax_t);
    case BB_OP_CLAMP:
        return common + sizeof(bb_clamp_t);
    case BB_OP_TABLE:
        return common + sizeof(bb_table_t);
    case BB_OP_BINARY:
        return common + sizeof(bb_binary_t);
    case BB_OP_COPY:
        return common + sizeof(bb_copy_t);
    case BB_OP_CONCATENATION:
        return common + sizeof(bb_concatenation_t);
    case BB_OP_RESIZE_NEAREST:
        return common + sizeof(bb_resize_t);
    default:
        return 0;
    }
}

static void check_operator(context_t *c, const bb_operator_t *op) {
    const uint32_t used = used_bytes(op->kind);
    if (!require(c, used != 0, FIELD(kind)) ||
        !require(c, op->kind < BB_OP_CONV_2D_PACKED || op->kind >= BB_OP_TABLE || c->header->kernels == BB_KERNELS_FAST,
                 FIELD(kind)) ||
        !require(c, all_zero(op->reserved, 3), FIELD(reserved)) ||
        !require(c, op->units > 0 && op->units <= c->header->arena_bytes, FIELD(units)) ||
        !require(c, op->input_zero_point >= -128 && op->input_zero_point <= 127, FIELD(input_zero_point)) ||
        !require(c, op->output_zero_point >= -128 && op->output_zero_point <= 127, FIELD(output_zero_point)) ||
        !require(c, op->minimum >= -128 && op->minimum <= 127, FIELD(minimum)) ||
        !require(c, op->maximum >= op->minimum && op->maximum <= 127, FIELD(maximum)) ||
        !require(c, all_zero((const uint8_t *)op + used, BB_OPERATOR_BYTES - used), used)) {
        return;
    }
    switch (op->kind) {
    case BB_OP_FULLY_CONNECTED:
        check_fully_connected(c, op);
        break;
    case BB_OP_FULLY_CONNECTED_PACKED:
        check_packed_fully_connected(c, op);
        break;
    case BB_OP_ADD:
    case BB_OP_ADD_TABLED:
        check_add(c, op);
        break;
    case BB_OP_PAD:
        check_pad(c, op);
        break;
    case BB_OP_MEAN:
        check_mean(c, op);
        break;
    case BB_OP_SOFTMAX:
        check_softmax(c, op);
        break;
    case BB_OP_CLAMP:
        check_clamp(c, op);
        break;
    case BB_OP_TABLE:
        check_table(c, op);
        break;
    case BB_OP_BINARY:
        check_binary(c, op);
        break;
    case BB_OP_COPY:
        check_copy(c, op);
        break;
    case BB_OP_CONCATENATION:
        check_concatenation(c, op);
        break;
    case BB_OP_RESIZE_NEAREST:
        check_resize(c, op);
        break;
    default:
        check_window(c, op);
        break;
    }
}

/* Offset within the step of its first bad field, or -1. */
static int32_t bad_step_field(const bb_image_header_t *h, const bb_operator_t *operators, const bb_step_t *s) {
    if (s->reserved != 0) {
        return offsetof(bb_step_t, reserved);
    }
    if (s->kind == BB_STEP_EXECUTE) {
        if (s->op >= h->operator_count) {
            return offsetof(bb_step_t, op);
        }
        if (s->first >= s->second || s->second > operators[s->op].units) {
            return offsetof(bb_step_t, first);
        }
        return s->bytes == 0 ? -1 : (int32_t)offsetof(bb_step_t, bytes);
    }
    if (s->kind > BB_STEP_SPILL) {
        return offsetof(bb_step_t, kind);
    }
    if (s->op != 0) {
        return offsetof(bb_step_t, op);
    }
    if (!in_range(s->first, s->bytes, h->arena_bytes)) {
        return offsetof(bb_step_t, first);
    }
    switch (s->kind) {
    case BB_STEP_INPUT:
        return in_range(s->second, s->bytes, h->input_bytes) ? -1 : (int32_t)offsetof(bb_step_t, second);
    case BB_STEP_FETCH:
    case BB_STEP_SPILL: /* behind the banks, which only commits may change */
        return s->second >= 2u * h->bank_bytes && in_range(s->second, s->bytes, h->nvm_bytes)
                   ? -1
                   : (int32_t)offsetof(bb_step_t, second);
    case BB_STEP_OUTPUT:
        if (s->bytes != h->output_bytes) {
            return offsetof(bb_step_t, bytes);
        }
        return s->second == 0 ? -1 : (int32_t)offsetof(bb_step_t, second);
    default:
        return in_range(s->second, s->bytes, h->bank_bytes != 0 ? h->bank_bytes : h->nvm_bytes)
                   ? -1
                   : (int32_t)offsetof(bb_step_t, second);
    }
}

/* Whether all steps of a list are of the kinds in `allowed`, a set of bits. */
static bool only_kinds(const bb_step_t *steps, uint32_t count, uint32_t allowed) {
    for (uint32_t i = 0; i < count; i++) {
        if ((allowed >> steps[i].kind & 1u) == 0) {
            return false;
        }
    }
    return true;
}

/*
 * NVM is written by save lists, right before a commit, by the OUTPUT of the last task, which always commits, and by SPILL,
 * which the compiler gives NVM of its own: nothing is written that a restart could find half done and read, and a result
 * becomes valid in the commit that ends its inference.
 * Only a plan with banks can leave out a commit: there each save list is the whole state.
 */
static int32_t bad_task_field(const bb_image_header_t *h, const bb_step_t *steps, const bb_task_t *t, bool last) {
    const uint32_t restoring =
        1u << BB_STEP_LOAD | 1u << BB_STEP_INPUT | 1u << BB_STEP_EXECUTE | 1u << BB_STEP_FETCH;
    const uint32_t working = restoring | 1u << BB_STEP_SPILL | (last ? 1u << BB_STEP_OUTPUT : 0u);
    if (!in_range(t->restore_first, t->restore_count, h->step_count) ||
        !only_kinds(steps + t->restore_first, t->restore_count, restoring)) {
        return offsetof(bb_task_t, restore_first);
    }
    if (!in_range(t->step_first, t->step_count, h->step_count) ||
        !only_kinds(steps + t->step_first, t->step_count, working)) {
        return offsetof(bb_task_t, step_first);
    }
    bool produces_result = false;
    for (uint32_t i = 0; i < t->step_count; i++) {
        produces_result = produces_result || steps[t->step_first + i].kind == BB_STEP_OUTPUT;
    }
    if (produces_result != last) {
        return offsetof(bb_task_t, step_first);
    }
    if (!in_range(t->save_first, t->save_count, h->step_count) ||
        !only_kinds(steps + t->save_first, t->save_count, 1u << BB_STEP_SAVE)) {
        return offsetof(bb_task_t, save_first);
    }
    if (t->commit_millivolts != BB_COMMIT_ALWAYS && (last || h->bank_bytes == 0)) {
        return offsetof(bb_task_t, commit_millivolts);
    }
    if (t->planned > 1) {
        return offsetof(bb_task_t, planned);
    }
    if (t->reserved0 != 0) {
        return offsetof(bb_task_t, reserved0);
    }
    if (t->go_millivolts < t->commit_millivolts) {
        return offsetof(bb_task_t, go_millivolts);
    }
    return t->reserved1 == 0 ? -1 : (int32_t)offsetof(bb_task_t, reserved1);
}

/* A section of `count` records of `size` bytes: aligned and inside the image. */
static bool section_ok(const bb_image_header_t *h, uint32_t offset, uint32_t count, uint32_t size) {
    return offset >= sizeof *h && offset % 16u == 0 && in_range(offset, (uint64_t)count * size, h->image_bytes);
}

static bb_status_t structure(uint32_t at, uint32_t *detail) {
    *detail = at;
    return BB_IMAGE_STRUCTURE;
}

#define HEADER(name) ((uint32_t)offsetof(bb_image_header_t, name))

bb_status_t bb_image_check(const uint8_t *image, uint32_t available, uint32_t board, uint32_t arena_capacity,
                           uint32_t nvm_capacity, uint32_t *detail) {
    const bb_image_header_t *h = bb_image_header(image);
    *detail = 0;
    if (available < sizeof *h) {
        return BB_IMAGE_MAGIC;
    }
    if (h->magic != BB_IMAGE_MAGIC_VALUE) {
        *detail = h->magic;
        return BB_IMAGE_MAGIC;
    }
    if (h->version != BB_IMAGE_VERSION_NUMBER) {
        *detail = h->version;
        return BB_IMAGE_VERSION;
    }
    if (h->header_bytes != sizeof *h) {
        return structure(HEADER(header_bytes), detail);
    }
    if (h->image_bytes < sizeof *h || h->image_bytes % 16u != 0 || h->image_bytes > available) {
        return structure(HEADER(image_bytes), detail);
    }
    const uint32_t crc = bb_crc32(0, image + CHECKED_FROM, h->image_bytes - CHECKED_FROM);
    if (crc != h->crc) {
        *detail = crc;
        return BB_IMAGE_CHECKSUM;
    }
    if (h->board != 0 && h->board != board) {
        *detail = h->board;
        return BB_IMAGE_BOARD;
    }
    if (h->kernels > BB_KERNELS_FAST) {
        *detail = h->kernels;
        return BB_KERNELS_UNKNOWN;
    }
    if (h->arena_bytes > arena_capacity) {
        *detail = h->arena_bytes;
        return BB_IMAGE_ARENA;
    }
    if (!in_range(BB_NVM_ACTIVATIONS, h->nvm_bytes, nvm_capacity)) {
        *detail = h->nvm_bytes;
        return BB_IMAGE_NVM;
    }
    if (h->light_commits > 1) {
        return structure(HEADER(light_commits), detail);
    }
    if (h->reserved0 != 0) {
        return structure(HEADER(reserved0), detail);
    }
    if (h->input_bytes == 0) {
        return structure(HEADER(input_bytes), detail);
    }
    if (h->output_bytes == 0 || h->output_bytes > BB_RESULT_CAPACITY) {
        return structure(HEADER(output_bytes), detail);
    }
    if (!section_ok(h, h->operators_offset, h->operator_count, BB_OPERATOR_BYTES)) {
        return structure(HEADER(operators_offset), detail);
    }
    if (h->task_count == 0 || !section_ok(h, h->tasks_offset, h->task_count, sizeof(bb_task_t))) {
        return structure(HEADER(tasks_offset), detail);
    }
    if (!section_ok(h, h->steps_offset, h->step_count, sizeof(bb_step_t))) {
        return structure(HEADER(steps_offset), detail);
    }
    if (!section_ok(h, h->constants_offset, h->constants_bytes, 1)) {
        return structure(HEADER(constants_offset), detail);
    }
    /* A light record says nothing about banks. */
    if (h->bank_bytes > h->nvm_bytes / 2u || (h->bank_bytes != 0 && h->light_commits != 0)) {
        return structure(HEADER(bank_bytes), detail);
    }
    if (h->wake_millivolts < h->rest_millivolts) {
        return structure(HEADER(wake_millivolts), detail);
    }
    if (h->reserved1 != 0) {
        return structure(HEADER(reserved1), detail);
    }
    if (h->nap_micros != 0 && (h->nap_micros < BB_NAP_MICROS_MIN || h->nap_micros > BB_NAP_MICROS_MAX)) {
        return structure(HEADER(nap_micros), detail);
    }
    if (!all_zero(h->reserved2, sizeof h->reserved2)) {
        return structure(HEADER(reserved2), detail);
    }

    const bb_operator_t *operators = bb_image_operators(image);
    for (uint32_t i = 0; i < h->operator_count; i++) {
        context_t c = {.image = image, .header = h, .at = h->operators_offset + i * BB_OPERATOR_BYTES, .bad = 0};
        check_operator(&c, &operators[i]);
        if (c.bad != 0) {
            return structure(c.bad, detail);
        }
    }
    const bb_step_t *steps = bb_image_steps(image);
    for (uint32_t i = 0; i < h->step_count; i++) {
        const int32_t bad = bad_step_field(h, operators, &steps[i]);
        if (bad >= 0) {
            return structure(h->steps_offset + i * (uint32_t)sizeof(bb_step_t) + (uint32_t)bad, detail);
        }
    }
    const bb_task_t *tasks = bb_image_tasks(image);
    for (uint32_t i = 0; i < h->task_count; i++) {
        const int32_t bad = bad_task_field(h, steps, &tasks[i], i + 1 == h->task_count);
        if (bad >= 0) {
            return structure(h->tasks_offset + i * (uint32_t)sizeof(bb_task_t) + (uint32_t)bad, detail);
        }
    }
    return BB_OK;
}

static bb_status_t dataset_bad(uint32_t value, uint32_t *detail) {
    *detail = value;
    return BB_DATASET_BAD;
}

bb_status_t bb_dataset_check(const uint8_t *dataset, uint32_t available, uint32_t *detail) {
    const bb_dataset_header_t *h = bb_dataset_header(dataset);
    if (available < sizeof *h) {
        return dataset_bad(available, detail);
    }
    if (h->magic != BB_DATASET_MAGIC_VALUE) {
        return dataset_bad(h->magic, detail);
    }
    if (h->version != BB_DATASET_VERSION_NUMBER) {
        return dataset_bad(h->version, detail);
    }
    if (h->header_bytes != sizeof *h) {
        return dataset_bad(h->header_bytes, detail);
    }
    if (h->total_bytes < sizeof *h || h->total_bytes > available) {
        return dataset_bad(h->total_bytes, detail);
    }
    const uint32_t crc = bb_crc32(0, dataset + CHECKED_FROM, h->total_bytes - CHECKED_FROM);
    if (crc != h->crc) {
        return dataset_bad(crc, detail);
    }
    if (h->sample_bytes == 0 || (uint64_t)h->sample_count * h->sample_bytes > h->total_bytes - sizeof *h) {
        return dataset_bad(h->sample_count, detail);
    }
    if (!all_zero(h->reserved, sizeof h->reserved)) {
        return dataset_bad(h->reserved[0], detail);
    }
    *detail = 0;
    return BB_OK;
}
