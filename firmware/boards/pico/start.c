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
IN_SRAM static void fault(void)
{
    REGISTER(PSM_WDSEL) = PSM_ALL_BUT_OSCILLATORS;
    SET_BITS(WATCHDOG_CTRL) = WATCHDOG_TRIGGER;
    for (;;) {
    }
}

typedef void (*vector_t)(void);

typedef union {
    uint32_t *stack;
    vector_t handler;
} vector_entry_t;

#define VECTORS (16u + 26u)

__attribute__((section(".vectors"), used)) static const vector_entry_t vectors[VECTORS] = {
    [0] = {.stack = pico_stack_top},
    [1] = {.handler = pico_reset},
    [2] = {.handler = fault},
    [3] = {.handler = fault},
    [11] = {.handler = fault},
    [14] = {.handler = fault},
    [15] = {.handler = fault},
    [16 + IRQ_TIMER0] = {.handler = pico_timer_interrupt},
    [16 + IRQ_DMA0] = {.handler = pico_burst_interrupt},
    [16 + IRQ_UART0] = {.handler = pico_uart_interrupt},
};

/* What the core looks at while the program runs: flash cannot be read at every moment (burst.c). VTOR wants 256 bytes. */
__attribute__((section(".notcleared.vectors"), aligned(256))) static vector_entry_t vectors_in_sram[VECTORS];

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
    for (uint32_t index = 0; index < VECTORS; index++) {
        vectors_in_sram[index] = vectors[index];
    }
    REGISTER(SCB_VTOR) = (uint32_t)(uintptr_t)vectors_in_sram;
    pico_main();
}
