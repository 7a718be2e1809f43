/* The microsecond counter, sleeping until an alarm or a received byte, and sleeping deeply. */
#include "bb_port.h"
#include "pico.h"
#include "rp2040.h"

#define ALARM_0 (1u << 0)
/* The alarm fires when the counter equals it: a value that has passed by the time it is written waits for 72 minutes. */
#define SHORTEST_ALARM_MICROS 10u

void pico_timer_start(void)
{
    REGISTER(TIMER_INTE) = ALARM_0;
    REGISTER(NVIC_ISER) = 1u << IRQ_TIMER0;
}

IN_SRAM void pico_timer_interrupt(void)
{
    REGISTER(TIMER_INTR) = ALARM_0;
}

uint32_t bb_port_micros(void)
{
    return REGISTER(TIMER_TIMERAWL);
}

void bb_port_wait(uint32_t micros)
{
    if (micros == 0) {
        return;
    }
    /*
     * One sleep, not a loop: an alarm fires once, so sleeping again after it without a new one could last for ever. With
     * interrupts masked a byte cannot arrive unseen between the test and the sleep; it still wakes the core.
     */
    uint32_t primask = interrupts_off();
    if (pico_uart_silent()) {
        REGISTER(TIMER_ALARM0) = bb_port_micros() + (micros < SHORTEST_ALARM_MICROS ? SHORTEST_ALARM_MICROS : micros);
        wait_for_interrupt();
        REGISTER(TIMER_ARMED) = ALARM_0;
    }
    interrupts_restore(primask);
}

/*
 * Resting: system clock and ADC from the crystal, PLL off, and while the core sleeps every clock gated but those of the timer
 * (section 2.11.2, SLEEP). The ring oscillator stays on: a fault's reset leaves oscillators alone and starts from it.
 */
void bb_port_rest_begin(void)
{
    pico_uart_quiet();
    pico_adc_slow();
    pico_clocks_slow();
    REGISTER(CLOCKS_SLEEP_EN0) = 0;
    REGISTER(CLOCKS_SLEEP_EN1) = SLEEP_EN1_TIMER | SLEEP_EN1_WATCHDOG;
    REGISTER(SCB_SCR) = SCR_SLEEPDEEP;
}

void bb_port_rest_end(void)
{
    REGISTER(SCB_SCR) = 0;
    pico_clocks_fast();
    pico_adc_fast();
    pico_uart_listen();
}

void bb_port_nap(uint32_t micros)
{
    uint32_t primask = interrupts_off();
    REGISTER(TIMER_ALARM0) = bb_port_micros() + (micros < SHORTEST_ALARM_MICROS ? SHORTEST_ALARM_MICROS : micros);
    wait_for_interrupt();
    REGISTER(TIMER_ARMED) = ALARM_0;
    interrupts_restore(primask);
}
