/*
 * Softmax in fixed point, with the polynomial and the Newton iteration of gemmlowp, so that every bit agrees with
 * TensorFlow Lite. Notation: Qn is an int32 with n integer bits besides the sign and 31 - n fraction bits.
 */
#include "bb_kernels.h"
#include "bb_requantize.h"

#define DIFFERENCE_BITS 5 /* integer bits of x - max after scaling: Q5 */
#define SUM_BITS 12       /* integer bits of the sum of exponentials: Q12 */

/* value * 2^bits, saturating. */
static int32_t saturating_shift(int32_t value, int32_t bits) {
    const int32_t limit = INT32_MAX >> bits;
    if (value > limit) {
        return INT32_MAX;
    }
    if (value < -limit - 1) {
        return INT32_MIN;
    }
    return (int32_t)((uint32_t)value << bits);
}

/* exp(a) for a in [-1/4, 0), Q0 to Q0: Taylor series of degree 4 around -1/8. */
static int32_t exp_near_zero(int32_t a) {
    const int32_t exp_minus_eighth = 1895147668; /* round(2^31 * exp(-1/8)) */
    const int32_t third = 715827883;             /* round(2^31 / 3) */
    const int32_t x = a + (INT32_C(1) << 28);
    const int32_t x2 = bb_high_multiply(x, x);
    const int32_t x3 = bb_high_multiply(x2, x);
    const int32_t x4_over_4 = bb_divide_by_power_of_two(bb_high_multiply(x2, x2), 2);
    const int32_t higher = bb_divide_by_power_of_two(bb_high_multiply(x4_over_4 + x3, third) + x2, 1);
    return exp_minus_eighth + bb_high_multiply(exp_minus_eighth, x + higher);
}

/* exp(a) for a <= 0, Q5 to Q0: the fraction by the series, the rest by one factor exp(-2^k) per bit. */
static int32_t exp_of_negative(int32_t a) {
    static const int32_t factors[] = {
        /* round(2^31 * exp(-2^k)) for k = -2 .. 4 */
        1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242,
    };
    const int32_t quarter = INT32_C(1) << (31 - DIFFERENCE_BITS - 2);
    if (a == 0) {
        return INT32_MAX;
    }
    const int32_t fraction = (a & (quarter - 1)) - quarter; /* [-1/4, 0) */
    const uint32_t remainder = (uint32_t)fraction - (uint32_t)a;
    int32_t result = exp_near_zero(saturating_shift(fraction, DIFFERENCE_BITS));
    for (uint32_t k = 0; k < sizeof factors / sizeof factors[0]; k++) {
        if (remainder & ((uint32_t)quarter << k)) {
            result = bb_high_multiply(result, factors[k]);
        }
    }
    return result;
}

/* 1 / (1 + a) for a in [0, 1), Q0 to Q0: three Newton steps from the usual linear start 48/17 - 32/17 d. */
static int32_t one_over_one_plus(int32_t a) {
    const int32_t q2_one = INT32_C(1) << 29;
    const int32_t q2_48_over_17 = 1515870810;
    const int32_t q2_minus_32_over_17 = -1010580540;
    /* (a + 1) / 2, rounded; both terms are not negative */
    const int32_t half = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
    int32_t x = q2_48_over_17 + bb_high_multiply(half, q2_minus_32_over_17);
    for (int step = 0; step < 3; step++) {
        const int32_t error = q2_one - bb_high_multiply(half, x);
        x += saturating_shift(bb_high_multiply(x, error), 2);
    }
    return saturating_shift(x, 1);
}

static int32_t scaled_exponential(const bb_softmax_t *s, int32_t difference) {
    return exp_of_negative(
        bb_high_multiply((int32_t)((uint32_t)difference << s->shift), s->multiplier));
}

void bb_softmax(const bb_operator_t *op, int8_t *arena, uint32_t first, uint32_t end) {
    const bb_softmax_t *const s = &op->as.softmax;

    for (uint32_t row = first; row < end; row++) {
        const int8_t *const input = arena + op->input + row * s->depth;
        int8_t *const output = arena + op->output + row * s->depth;
        int32_t maximum = INT8_MIN;
        for (uint32_t i = 0; i < s->depth; i++) {
            if (input[i] > maximum) {
                maximum = input[i];
            }
        }
        int32_t sum = 0; /* Q12; the maximum itself contributes 1, so it is never 0 */
        for (uint32_t i = 0; i < s->depth; i++) {
            const int32_t difference = input[i] - maximum;
            if (difference >= s->difference_minimum) {
                sum += bb_divide_by_power_of_two(scaled_exponential(s, difference), SUM_BITS);
            }
        }
        const int32_t leading_zeros = __builtin_clz((uint32_t)sum);
        const int32_t reciprocal = one_over_one_plus((int32_t)(((uint32_t)sum << leading_zeros) - (UINT32_C(1) << 31)));
        const int32_t exponent = SUM_BITS - leading_zeros + 31 - 8;
        for (uint32_t i = 0; i < s->depth; i++) {
            const int32_t difference = input[i] - maximum;
            int32_t value = 0;
            if (difference >= s->difference_minimum && exponent <= 31) { /* a larger exponent leaves nothing of it */
                value = bb_divide_by_power_of_two(bb_high_multiply(reciprocal, scaled_exponential(s, difference)), exponent);
            }
            output[i] = bb_clamp_to_int8(value + INT8_MIN, op->minimum, op->maximum);
        }
    }
}
