/* The microsecond counter, and sleeping until an alarm or a received byte. */
#include "bb_port.h"
#include "pico.h"
#include "rp2040.h"

#define ALARM_0 (1u << 0)

void pico_timer_start(void)
{
    REGISTER(TIMER_INTE) = ALARM_0;
    REGISTER(NVIC_ISER) = 1u << IRQ_TIMER0;
}

void pico_timer_interrupt(void)
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
    uint32_t start = bb_port_micros();
    REGISTER(TIMER_ALARM0) = start + micros;
    for (;;) {
        /* With interrupts masked a byte cannot arrive unseen between the test and the sleep; it still wakes the core. */
        uint32_t primask = interrupts_off();
        int silent = pico_uart_silent();
        if (silent && bb_port_micros() - start < micros) {
            wait_for_interrupt();
        }
        interrupts_restore(primask);
        if (!silent || bb_port_micros() - start >= micros) {
            break;
        }
    }
    REGISTER(TIMER_ARMED) = ALARM_0;
}
