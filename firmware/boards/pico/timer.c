/* The microsecond counter, and sleeping until an alarm or a received byte. */
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
