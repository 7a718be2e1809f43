/* The capacitor's voltage: GPIO26 behind a divider of two equal resistors, so that 5.5 V reads as 2.75 V. */
#include <stdbool.h>

#include "bb_port.h"
#include "pico.h"
#include "rp2040.h"

#define PIN_CAPACITOR 26u
#define DIVIDER 2u
#define REFERENCE_MILLIVOLTS 3300u
#define FULL_SCALE 4096u

#define CLK_ADC_ENABLE (1u << 11)
#define CLK_ADC_FROM_PLL_SYS (1u << 5)
/* 125 MHz / 3 = 41.7 MHz; the ADC is specified for at most 50 MHz. */
#define CLK_ADC_DIVIDE_BY_3 (3u << 8)
/* 12 MHz: a reading takes 8 us instead of 2.3. */
#define CLK_ADC_FROM_XOSC (3u << 5)
#define CLK_ADC_DIVIDE_BY_1 (1u << 8)
#define CS_ENABLE (1u << 0)
#define CS_START_ONCE (1u << 2)
#define CS_READY (1u << 8)
/* Output disabled, input buffer off, no pulls: the pad is analogue. */
#define PAD_ANALOGUE (1u << 7)

/* Its source may be changed only while the clock is off: section 2.15.3.2. */
static void clock_from(uint32_t source, uint32_t divider)
{
    REGISTER(CLK_ADC_CTRL) = source;
    REGISTER(CLK_ADC_DIV) = divider;
    REGISTER(CLK_ADC_CTRL) = CLK_ADC_ENABLE | source;
}

static void wait_ready(void)
{
    while ((REGISTER(ADC_CS) & CS_READY) == 0) {
    }
}

static void start_once(void)
{
    if ((REGISTER(RESETS_DONE) & RESET_ADC) != 0) {
        return;
    }
    clock_from(CLK_ADC_FROM_PLL_SYS, CLK_ADC_DIVIDE_BY_3);
    CLEAR_BITS(RESETS_RESET) = RESET_ADC;
    while ((REGISTER(RESETS_DONE) & RESET_ADC) == 0) {
    }
    REGISTER(PADS_BANK0_GPIO(PIN_CAPACITOR)) = PAD_ANALOGUE;
    REGISTER(IO_BANK0_CTRL(PIN_CAPACITOR)) = FUNCTION_NONE;
    REGISTER(ADC_CS) = CS_ENABLE;
    wait_ready();
}

static bool off_between;

void pico_adc_slow(void)
{
    start_once();
    REGISTER(ADC_CS) = 0;
    clock_from(CLK_ADC_FROM_XOSC, CLK_ADC_DIVIDE_BY_1);
    off_between = true;
}

void pico_adc_fast(void)
{
    clock_from(CLK_ADC_FROM_PLL_SYS, CLK_ADC_DIVIDE_BY_3);
    REGISTER(ADC_CS) = CS_ENABLE;
    off_between = false;
}

uint32_t pico_capacitor_millivolts(void)
{
    start_once();
    REGISTER(ADC_CS) = CS_ENABLE;
    wait_ready();
    REGISTER(ADC_CS) = CS_ENABLE | CS_START_ONCE;
    wait_ready();
    if (off_between) {
        REGISTER(ADC_CS) = 0;
    }
    return REGISTER(ADC_RESULT) * (REFERENCE_MILLIVOLTS * DIVIDER) / FULL_SCALE;
}

uint32_t bb_port_capacitor_millivolts(void)
{
    return pico_capacitor_millivolts();
}
