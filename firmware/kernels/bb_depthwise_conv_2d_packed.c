/*
 * DEPTHWISE_CONV_2D with 3 x 3 taps, channel by channel. The inputs of a channel are gathered into a plane of words; an output
 * row and the one half of all rows further down share it, as the low and the high half of every word (bb_packed.h), so that a
 * word is packed once and used for up to nine products of two outputs each.
 */
#include "bb_kernels.h"
#include "bb_packed.h"
#include "bb_planes.h"
#include "bb_stairs.h"

#define TAPS 9
#define FILTER 3
#define PLANE_ROW_BYTES (4 * BB_PLANE_COLUMNS)

/* A row of the plane: where its inside columns end in both input rows, the first of its words, which halves are input. */
typedef struct bb_plane_row {
    const int8_t *upper, *lower;
    uint32_t *to;
    uint32_t halves;
} bb_plane_row_t;

enum { HALVES_BOTH, HALVES_UPPER, HALVES_LOWER };

_Static_assert(sizeof(void *) != 4 || sizeof(bb_plane_row_t) == BB_PLANE_ROW_RECORD_BYTES, "the scratch has room for that");

/* What gathering needs for all rows of a plane. */
typedef struct bb_gathering {
    const bb_plane_row_t *rows, *end;
    int32_t first; /* offset of the first inside column from the last's end: negative */
    int32_t step;  /* bytes from a column to the next */
    int32_t zero_point;
} bb_gathering_t;

/* One output channel of all pixels that a plane is for. */
typedef struct bb_plane_run {
    const uint32_t *plane;
    const uint8_t *record; /* bb_depthwise_record_t */
    int8_t *output;       /* first pixel of the first row */
    int32_t lower;        /* bytes from a pixel to that in the high halves */
    int32_t step;         /* bytes from a pixel to the next */
    int32_t row_skip;     /* bytes from behind the last pixel of a row to the first of the next */
    int32_t column_bytes; /* of the plane, that a row of outputs goes along */
    int32_t advance;      /* bytes from the end of a window to the begin of the next */
    int32_t row_bytes;    /* of the plane, from a row of outputs to the next */
    uint32_t rows;
    int32_t minimum, maximum;
    uint32_t landing; /* 1: the stairs have one */
} bb_plane_run_t;

#if BB_ON_CORTEX_M0

/* 11 cycles per word with two inputs, 8 with one. Runs from flash: nothing else that it reads is there. */
__attribute__((naked, noinline)) static void gather(__attribute__((unused)) const bb_gathering_t *g,
                                                    __attribute__((unused)) int32_t channel) {
    __asm__ volatile(
        ".syntax unified\n"
        "push {r4-r7, lr}\n"
        "mov r4, r8\n"
        "mov r5, r9\n"
        "mov r6, r10\n"
        "mov r7, r11\n"
        "push {r4-r7}\n"
        "mov r12, r1\n"
        "ldmia r0!, {r2-r6}\n"
        "mov r8, r3\n"  /* end of the rows */
        "mov r9, r4\n"  /* first offset */
        "mov r10, r6\n" /* padding */
        "movs r6, r5\n" /* step */
        "1:\n"
        "ldmia r2!, {r0, r1, r4, r5}\n"
        "mov r11, r2\n"
        "add r0, r12\n"
        "add r1, r12\n"
        "mov r3, r9\n"
        "cmp r5, #1\n"
        "beq 3f\n"
        "bhi 4f\n"
        "2:\n"
        "ldrsb r2, [r0, r3]\n"
        "ldrsb r5, [r1, r3]\n"
        "lsls r5, r5, #16\n"
        "adds r2, r2, r5\n"
        "stmia r4!, {r2}\n"
        "adds r3, r3, r6\n"
        "bne 2b\n"
        "5:\n"
        "mov r2, r11\n"
        "cmp r2, r8\n"
        "bne 1b\n"
        "pop {r4-r7}\n"
        "mov r8, r4\n"
        "mov r9, r5\n"
        "mov r10, r6\n"
        "mov r11, r7\n"
        "pop {r4-r7, pc}\n"
        "3:\n"
        "mov r5, r10\n"
        "lsls r5, r5, #16\n"
        "7:\n"
        "ldrsb r2, [r0, r3]\n"
        "adds r2, r2, r5\n"
        "stmia r4!, {r2}\n"
        "adds r3, r3, r6\n"
        "bne 7b\n"
        "b 5b\n"
        "4:\n"
        "mov r5, r10\n"
        "8:\n"
        "ldrsb r2, [r1, r3]\n"
        "lsls r2, r2, #16\n"
        "adds r2, r2, r5\n"
        "stmia r4!, {r2}\n"
        "adds r3, r3, r6\n"
        "bne 8b\n"
        "b 5b\n");
}

/*
 * About 115 cycles for 18 products and two outputs. Sums as in bb_packed_channels_m0.c, but a group is two taps, so that no
 * weight is too heavy (the compiler refuses -128). r8 .. r12: weights 0 .. 4, lr: limit of the stairs. Stack frame: stairs
 * (low, high, shift, offset) 0, first sums F 16 and B 20, weights 5 .. 8 24, output 40, lower 44, step 48, end of the row 52,
 * advance 56, begin of the row 60, row_bytes 64, rows 68, row_skip 72, minimum 76, maximum 80, column_bytes 84,
 * landing 88, kink 92, offset below it 96.
 */
__attribute__((naked, noinline)) static void run_plane(__attribute__((unused)) const bb_plane_run_t *run) {
    __asm__ volatile(
        ".syntax unified\n"
        ".macro bb_flush sum\n"
        "adds \\sum, \\sum, r6\n"
        "adds r4, r4, \\sum\n"
        "asrs \\sum, \\sum, #16\n"
        "adds r5, r5, \\sum\n"
        ".endm\n"
        /* Sum in `sum` to its int8; r1: low, r2: high, r3: shift, r4: offset. */
        ".macro bb_climb sum, other, number, landing\n"
        "cmp \\sum, lr\n"
        "bhs 5\\number\\()f\n"
        ".if \\landing\n"
        "ldr \\other, [sp, #92]\n"
        "ldr r4, [sp, #12]\n"
        "cmp \\sum, \\other\n"
        "bhs 8\\number\\()f\n"
        "ldr r4, [sp, #96]\n"
        "8\\number\\():\n"
        ".endif\n"
        "movs \\other, \\sum\n"
        "muls \\other, r1, \\other\n"
        "lsrs \\other, \\other, r3\n"
        "muls \\sum, r2, \\sum\n"
        "adds \\sum, \\sum, \\other\n"
        "adds \\sum, \\sum, r4\n"
        "lsrs \\sum, \\sum, #24\n"
        "6\\number\\():\n"
        ".endm\n"
        ".macro bb_outside sum, number\n"
        "5\\number\\(): cmp \\sum, #0\n"
        "ldr \\sum, [sp, #76]\n"
        "blt 6\\number\\()b\n"
        "ldr \\sum, [sp, #80]\n"
        "b 6\\number\\()b\n"
        ".endm\n"

        /* The window at r7 in both halves, and on to the next. Flags: equal at the end of the row. */
        ".macro bb_window number, landing\n"
        "ldr r4, [sp, #16]\n"
        "ldr r5, [sp, #20]\n"
        "ldmia r7!, {r0, r1, r2}\n"
        "mov r3, r8\n"
        "muls r0, r3, r0\n"
        "mov r3, r9\n"
        "muls r1, r3, r1\n"
        "adds r0, r0, r1\n"
        "bb_flush r0\n"
        "mov r3, r10\n"
        "muls r2, r3, r2\n"
        "adds r7, r7, #252\n"
        "ldmia r7!, {r0, r1}\n"
        "mov r3, r11\n"
        "muls r0, r3, r0\n"
        "adds r2, r2, r0\n"
        "bb_flush r2\n"
        "mov r3, r12\n"
        "muls r1, r3, r1\n"
        "ldmia r7!, {r0}\n"
        "ldr r3, [sp, #24]\n"
        "muls r0, r3, r0\n"
        "adds r1, r1, r0\n"
        "bb_flush r1\n"
        "adds r7, r7, #252\n"
        "ldmia r7!, {r0, r1, r2}\n"
        "ldr r3, [sp, #28]\n"
        "muls r0, r3, r0\n"
        "ldr r3, [sp, #32]\n"
        "muls r1, r3, r1\n"
        "adds r0, r0, r1\n"
        "bb_flush r0\n"
        "ldr r3, [sp, #36]\n"
        "muls r2, r3, r2\n"
        "bb_flush r2\n"
        "lsls r0, r5, #16\n"
        "subs r0, r4, r0\n"
        "mov r1, sp\n"
        "ldmia r1, {r1-r4}\n"
        "bb_climb r0, r6, \\number\\()0, \\landing\n"
        "ldr r6, [sp, #40]\n"
        "strb r0, [r6]\n"
        "bb_climb r5, r0, \\number\\()1, \\landing\n"
        "ldr r0, [sp, #44]\n"
        "strb r5, [r6, r0]\n"
        "ldr r0, [sp, #48]\n"
        "adds r6, r6, r0\n"
        "str r6, [sp, #40]\n"
        "movs r6, #128\n"
        "lsls r6, r6, #8\n"
        "ldr r0, [sp, #56]\n"
        "adds r7, r7, r0\n"
        "ldr r0, [sp, #52]\n"
        "cmp r7, r0\n"
        ".endm\n"

        "push {r4-r7, lr}\n"
        "mov r4, r8\n"
        "mov r5, r9\n"
        "mov r6, r10\n"
        "mov r7, r11\n"
        "push {r4-r7}\n"
        "sub sp, #100\n"
        "ldmia r0!, {r1-r6}\n"
        "movs r7, r1\n"
        "str r1, [sp, #60]\n"
        "str r3, [sp, #40]\n"
        "str r4, [sp, #44]\n"
        "str r5, [sp, #48]\n"
        "str r6, [sp, #72]\n"
        "ldmia r0!, {r1, r3, r4, r5}\n"
        "str r1, [sp, #84]\n"
        "str r3, [sp, #56]\n"
        "str r4, [sp, #64]\n"
        "str r5, [sp, #68]\n"
        "ldmia r0!, {r1, r3, r4}\n"
        "str r1, [sp, #76]\n"
        "str r3, [sp, #80]\n"
        "str r4, [sp, #88]\n"
        "ldmia r2!, {r0, r1, r3, r4, r5}\n"
        "str r0, [sp, #20]\n"
        "lsls r6, r0, #16\n"
        "adds r0, r0, r6\n"
        "movs r6, #5\n" /* what rounding adds in five groups */
        "lsls r6, r6, #15\n"
        "subs r0, r0, r6\n"
        "str r0, [sp, #16]\n"
        "uxth r0, r1\n"
        "str r0, [sp, #0]\n"
        "asrs r0, r1, #24\n"
        "mov r8, r0\n"
        "lsls r1, r1, #8\n"
        "lsrs r1, r1, #24\n"
        "str r1, [sp, #8]\n"
        "str r3, [sp, #4]\n"
        "str r4, [sp, #12]\n"
        "mov lr, r5\n"
        "ldmia r2!, {r0, r1}\n"
        "sxtb r3, r0\n"
        "mov r9, r3\n"
        "asrs r0, r0, #8\n"
        "sxtb r3, r0\n"
        "mov r10, r3\n"
        "asrs r0, r0, #8\n"
        "sxtb r3, r0\n"
        "mov r11, r3\n"
        "asrs r0, r0, #8\n"
        "mov r12, r0\n"
        "sxtb r3, r1\n"
        "str r3, [sp, #24]\n"
        "asrs r1, r1, #8\n"
        "sxtb r3, r1\n"
        "str r3, [sp, #28]\n"
        "asrs r1, r1, #8\n"
        "sxtb r3, r1\n"
        "str r3, [sp, #32]\n"
        "asrs r1, r1, #8\n"
        "str r1, [sp, #36]\n"
        "ldr r0, [sp, #88]\n"
        "cmp r0, #0\n"
        "beq 1f\n"
        "ldmia r2!, {r0, r1}\n"
        "str r0, [sp, #92]\n"
        "ldr r0, [sp, #12]\n"
        "subs r0, r0, r1\n"
        "str r0, [sp, #96]\n"
        "1:\n"
        "movs r6, #128\n"
        "lsls r6, r6, #8\n"

        "2:\n" /* next row */
        "ldr r0, [sp, #84]\n"
        "adds r0, r0, r7\n"
        "str r0, [sp, #52]\n"
        "ldr r0, [sp, #88]\n"
        "cmp r0, #0\n"
        "beq 3f\n"
        "b 9f\n"
        "3: bb_window 1, 0\n"
        "beq 77f\n"
        "b 3b\n"
        "77: b 7f\n"
        "bb_outside r0, 10\n"
        "bb_outside r5, 11\n"
        "9: bb_window 2, 1\n"
        "beq 7f\n"
        "b 9b\n"
        "bb_outside r0, 20\n"
        "bb_outside r5, 21\n"
        "7:\n"
        "ldr r0, [sp, #68]\n"
        "subs r0, r0, #1\n"
        "beq 4f\n"
        "str r0, [sp, #68]\n"
        "ldr r7, [sp, #60]\n"
        "ldr r0, [sp, #64]\n"
        "adds r7, r7, r0\n"
        "str r7, [sp, #60]\n"
        "ldr r0, [sp, #40]\n"
        "ldr r1, [sp, #72]\n"
        "adds r0, r0, r1\n"
        "str r0, [sp, #40]\n"
        "b 2b\n"
        "4:\n"
        "add sp, #100\n"
        "pop {r4-r7}\n"
        "mov r8, r4\n"
        "mov r9, r5\n"
        "mov r10, r6\n"
        "mov r11, r7\n"
        "pop {r4-r7, pc}\n");
}

#else

static void gather(const bb_gathering_t *g, int32_t channel) {
    const uint32_t padding = (uint32_t)g->zero_point;
    for (const bb_plane_row_t *row = g->rows; row != g->end; row++) {
        uint32_t *to = row->to;
        for (int32_t at = g->first; at != 0; at += g->step) {
            const uint32_t upper = row->halves == HALVES_LOWER ? padding : (uint32_t)row->upper[at + channel];
            const uint32_t lower = row->halves == HALVES_UPPER ? padding : (uint32_t)row->lower[at + channel];
            *to++ = upper + (lower << 16);
        }
    }
}

static void run_plane(const bb_plane_run_t *r) {
    const bb_depthwise_record_t *const record = (const bb_depthwise_record_t *)(const void *)r->record;
    const bb_stairs_t stairs = {
        .low = record->low,
        .high = record->high,
        .shift = record->shift,
        .offset = record->offset,
        .limit = record->limit,
        .kink = r->landing != 0 ? record->landing[0] : 0,
        .jump = r->landing != 0 ? record->landing[1] : 0,
    };
    int32_t weights[TAPS] = {record->weight_0};
    for (int32_t tap = 1; tap < TAPS; tap++) {
        weights[tap] = record->weights[tap - 1];
    }
    const uint8_t *begin = (const uint8_t *)r->plane;
    int8_t *output = r->output;
    for (uint32_t row = 0; row < r->rows; row++, begin += r->row_bytes, output += r->row_skip) {
        const int32_t stride = r->advance + 2 * PLANE_ROW_BYTES + 4 * FILTER;
        for (const uint8_t *window = begin; window != begin + r->column_bytes; window += stride) {
            const uint32_t *const word = (const uint32_t *)(const void *)window;
            int32_t sums[2] = {record->bias, record->bias};
            for (int32_t tap = 0; tap < TAPS; tap++) {
                const uint32_t both = word[tap / FILTER * BB_PLANE_COLUMNS + tap % FILTER];
                const int32_t upper = (int16_t)(both & 0xffffu);
                sums[0] += upper * weights[tap];
                sums[1] += ((int32_t)(both - (uint32_t)upper) >> 16) * weights[tap];
            }
            output[0] = bb_climb(&stairs, sums[0], r->minimum, r->maximum);
            output[r->lower] = bb_climb(&stairs, sums[1], r->minimum, r->maximum);
            output += r->step;
        }
    }
}

#endif

static int32_t least(int32_t a, int32_t b) {
    return a < b ? a : b;
}

/* Output rows `first` .. `end - 1`, columns `x` .. `x + columns - 1`; not more than a plane holds. */
static void run_part(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, int32_t first, int32_t end,
                     int32_t x, int32_t columns) {
    const bb_window_t *const w = &op->as.window;
    const int32_t depth = w->input_channels;
    const int32_t outputs = w->output_channels;
    const int32_t pairs = (end - first + 1) / 2;
    const int32_t apart = end - first - pairs; /* of an odd number of rows, the middle one is computed twice */
    const int32_t plane_rows = (pairs - 1) * w->stride_height + FILTER;
    const int32_t plane_columns = (columns - 1) * w->stride_width + FILTER;
    uint32_t *const plane = (uint32_t *)(void *)(arena + w->scratch);
    bb_plane_row_t *const rows = (bb_plane_row_t *)(void *)(plane + plane_rows * BB_PLANE_COLUMNS);
    const uint32_t padding = (uint32_t)op->input_zero_point * 0x10001u;
    const int32_t left = x * w->stride_width - w->pad_left;
    const int32_t skipped = left < 0 ? -left : 0;
    const int32_t inside = least(plane_columns, w->input_width - left) - skipped;
    const int landing = bb_has_landing(op->minimum, op->output_zero_point);
    const uint32_t record_bytes = bb_depthwise_record_bytes(landing);
    bb_plane_row_t *row = rows;

    for (int32_t y = 0; y < plane_rows; y++) {
        uint32_t *const to = plane + y * BB_PLANE_COLUMNS;
        for (int32_t i = 0; i < plane_columns; i++) {
            to[i] = padding;
        }
        const int32_t upper = first * w->stride_height - w->pad_top + y * w->dilation_height;
        const int32_t lower = upper + apart * w->stride_height;
        const int upper_inside = upper >= 0 && upper < w->input_height;
        const int lower_inside = lower >= 0 && lower < w->input_height;
        if (inside > 0 && (upper_inside || lower_inside)) {
            const int8_t *const column = arena + op->input + (left + skipped + inside) * depth;
            row->upper = column + (upper_inside ? upper * w->input_width * depth : 0);
            row->lower = column + (lower_inside ? lower * w->input_width * depth : 0);
            row->to = to + skipped;
            row->halves = !lower_inside ? HALVES_UPPER : !upper_inside ? HALVES_LOWER : HALVES_BOTH;
            row++;
        }
    }
    const bb_gathering_t gathering = {
        .rows = rows,
        .end = row,
        .first = -inside * depth,
        .step = depth,
        .zero_point = op->input_zero_point,
    };
    bb_plane_run_t run = {
        .plane = plane,
        .record = constants + w->weights,
        .output = arena + op->output + (first * w->output_width + x) * outputs,
        .lower = apart * w->output_width * outputs,
        .step = outputs,
        .row_skip = (w->output_width - columns) * outputs,
        .column_bytes = columns * 4 * w->stride_width,
        .advance = 4 * w->stride_width - 2 * PLANE_ROW_BYTES - 4 * FILTER,
        .row_bytes = PLANE_ROW_BYTES * w->stride_height,
        .rows = (uint32_t)pairs,
        .minimum = op->minimum,
        .maximum = op->maximum,
        .landing = (uint32_t)landing,
    };
    for (int32_t channel = 0; channel < depth; channel++) {
        if (row != rows) {
            gather(&gathering, channel);
        }
        for (int32_t copy = 0; copy < w->depth_multiplier; copy++, run.record += record_bytes, run.output++) {
            run_plane(&run);
        }
    }
}

void bb_depthwise_conv_2d_packed(const bb_operator_t *op, const uint8_t *constants, int8_t *arena, uint32_t first,
                                 uint32_t end) {
    const bb_window_t *const w = &op->as.window;
    const int32_t height = 2 * (int32_t)bb_plane_pairs(w->stride_height, w->dilation_height);
    const int32_t width = (int32_t)bb_plane_outputs(w->stride_width);
    for (int32_t y = (int32_t)first; y < (int32_t)end; y += height) {
        for (int32_t x = 0; x < w->output_width; x += width) {
            run_part(op, constants, arena, y, least(y + height, (int32_t)end), x, least(width, w->output_width - x));
        }
    }
}
