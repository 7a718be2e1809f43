/* The capacitor's voltage: GPIO26 behind a divider of two equal resistors, so that 5.5 V reads as 2.75 V. */
#include "bb_port.h"
#include "pico.h"
#include "rp2040.h"

#define PIN_CAPACITOR 26u
#define DIVIDER 2u
#define REFERENCE_MILLIVOLTS 3300u
#define FULL_SCALE 4096u

#define CLK_ADC_FROM_PLL_SYS ((1u << 11) | (1u << 5))
/* 125 MHz / 3 = 41.7 MHz; the ADC is specified for at most 50 MHz. */
#define CLK_ADC_DIVIDE_BY_3 (3u << 8)
#define CS_ENABLE (1u << 0)
#define CS_START_ONCE (1u << 2)
#define CS_READY (1u << 8)
/* Output disabled, input buffer off, no pulls: the pad is analogue. */
#define PAD_ANALOGUE (1u << 7)

static void start_once(void)
{
    if ((REGISTER(RESETS_DONE) & RESET_ADC) != 0) {
        return;
    }
    REGISTER(CLK_ADC_DIV) = CLK_ADC_DIVIDE_BY_3;
    REGISTER(CLK_ADC_CTRL) = CLK_ADC_FROM_PLL_SYS;
    CLEAR_BITS(RESETS_RESET) = RESET_ADC;
    while ((REGISTER(RESETS_DONE) & RESET_ADC) == 0) {
    }
    REGISTER(PADS_BANK0_GPIO(PIN_CAPACITOR)) = PAD_ANALOGUE;
    REGISTER(IO_BANK0_CTRL(PIN_CAPACITOR)) = FUNCTION_NONE;
    REGISTER(ADC_CS) = CS_ENABLE;
    while ((REGISTER(ADC_CS) & CS_READY) == 0) {
    }
}

uint32_t pico_capacitor_millivolts(void)
{
    start_once();
    REGISTER(ADC_CS) = CS_ENABLE | CS_START_ONCE;
    while ((REGISTER(ADC_CS) & CS_READY) == 0) {
    }
    return REGISTER(ADC_RESULT) * (REFERENCE_MILLIVOLTS * DIVIDER) / FULL_SCALE;
}

uint32_t bb_port_capacitor_millivolts(void)
{
    return pico_capacitor_millivolts();
}
