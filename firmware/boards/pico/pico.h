/* What the parts of the Pico port call of each other. */
#ifndef PICO_H
#define PICO_H

#include <stdint.h>

/* Crystal, 125 MHz system PLL, peripheral clock, 1 us tick; takes the blocks used out of reset. */
void pico_clocks_start(void);

/* System clock from the crystal, PLL off, and back. */
void pico_clocks_slow(void);
void pico_clocks_fast(void);

void pico_uart_start(void);
/* Sleeps until everything that was sent has left, then stops listening; and listens again. */
void pico_uart_quiet(void);
void pico_uart_listen(void);
void pico_uart_interrupt(void);
/* True when no received byte waits. Call with interrupts off. */
int pico_uart_silent(void);

void pico_fram_start(void);

void pico_burst_start(void);
void pico_burst_interrupt(void);

void pico_timer_start(void);
void pico_timer_interrupt(void);

/* The ADC's clock from the crystal and the ADC off between readings, or from the PLL and always on. */
void pico_adc_slow(void);
void pico_adc_fast(void);

/* Millivolts on the capacitor, read through the divider on GPIO26. Starts the ADC at its first use. */
uint32_t pico_capacitor_millivolts(void);

_Noreturn void pico_main(void);

#endif
