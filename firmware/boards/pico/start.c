/* Vector table, first instructions of the program, and what to do about faults. */
#include <stdint.h>

#include "pico.h"
#include "rp2040.h"

extern uint32_t pico_data_start[];
extern uint32_t pico_data_end[];
extern const uint32_t pico_data_load[];
extern uint32_t pico_bss_start[];
extern uint32_t pico_bss_end[];
extern uint32_t pico_stack_top[];

void pico_reset(void);

/*
 * A fault costs the running task and nothing else: start over, as after a power failure. Through the watchdog, because a
 * system reset request of the core would leave clocks, SSI and peripherals as they are.
 */
static void fault(void)
{
    REGISTER(PSM_WDSEL) = PSM_ALL_BUT_OSCILLATORS;
    SET_BITS(WATCHDOG_CTRL) = WATCHDOG_TRIGGER;
    for (;;) {
    }
}

typedef void (*vector_t)(void);

__attribute__((section(".vectors"), used)) static const union {
    uint32_t *stack;
    vector_t handler;
} vectors[16 + 26] = {
    [0] = {.stack = pico_stack_top},
    [1] = {.handler = pico_reset},
    [2] = {.handler = fault},
    [3] = {.handler = fault},
    [11] = {.handler = fault},
    [14] = {.handler = fault},
    [15] = {.handler = fault},
    [16 + IRQ_TIMER0] = {.handler = pico_timer_interrupt},
    [16 + IRQ_UART0] = {.handler = pico_uart_interrupt},
};

void pico_reset(void)
{
    /* First of all, and without any data of its own: everything below takes a twentieth of the time at 125 MHz. */
    pico_clocks_start();
    const uint32_t *from = pico_data_load;
    for (uint32_t *to = pico_data_start; to < pico_data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = pico_bss_start; to < pico_bss_end;) {
        *to++ = 0;
    }
    pico_main();
}
