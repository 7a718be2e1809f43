/*
 * Fixed-point arithmetic of TensorFlow Lite's int8 specification: a 32-bit multiplier in Q31 and a power of two, rounded
 * twice (first the doubling high multiply, then the shift). Both roundings take ties as gemmlowp does: the high multiply
 * towards plus infinity, the shift away from zero.
 */
#ifndef BB_REQUANTIZE_H
#define BB_REQUANTIZE_H

#include <stdint.h>

/* round(a * b / 2^31). The one product that does not fit, (-2^31)^2, saturates. */
static inline int32_t bb_high_multiply(int32_t a, int32_t b) {
    if (a == INT32_MIN && b == INT32_MIN) {
        return INT32_MAX;
    }
    return (int32_t)(((int64_t)a * b + (INT64_C(1) << 30)) >> 31);
}

/* round(value / 2^exponent), ties away from zero; exponent 0 .. 31. */
static inline int32_t bb_divide_by_power_of_two(int32_t value, int32_t exponent) {
    const int32_t mask = (int32_t)((UINT32_C(1) << exponent) - 1u);
    const int32_t threshold = (mask >> 1) + (value < 0 ? 1 : 0);
    return (value >> exponent) + ((value & mask) > threshold ? 1 : 0);
}

/* value * multiplier / 2^31 * 2^shift; shift -31 .. 30. */
static inline int32_t bb_requantize(int32_t value, int32_t multiplier, int32_t shift) {
    if (shift > 0) {
        return bb_high_multiply((int32_t)((uint32_t)value << shift), multiplier);
    }
    return bb_divide_by_power_of_two(bb_high_multiply(value, multiplier), -shift);
}

/* A multiplier in Q31 as its low 16 and high 15 bits, and a shift to the right of 1 .. 31. */
typedef struct bb_multiplier {
    int32_t low, high, shift;
} bb_multiplier_t;

static inline bb_multiplier_t bb_split_multiplier(int32_t multiplier, int32_t right_shift) {
    return (bb_multiplier_t){.low = multiplier & 0xffff, .high = multiplier >> 16, .shift = right_shift};
}

/*
 * bb_requantize without a 64-bit product, which a Cortex-M0+ has not, for |value| < 2^29. With the value's low half taken as
 * signed no partial sum overflows; the bits of low * low below 2^16 cannot change the result.
 */
static inline int32_t bb_requantize_split(int32_t value, bb_multiplier_t m) {
    const int32_t low = (int16_t)(value & 0xffff);
    const int32_t high = (value - low) >> 16;
    const int32_t middle = ((low * m.low) >> 16) + low * m.high + high * m.low;
    const int32_t product = ((middle + (1 << 14)) >> 15) + 2 * high * m.high;
    return (product + (product >> 31) + (1 << (m.shift - 1))) >> m.shift;
}

static inline int8_t bb_clamp_to_int8(int32_t value, int32_t minimum, int32_t maximum) {
    return (int8_t)(value < minimum ? minimum : value > maximum ? maximum : value);
}

#endif
