/* Starts like any program for a Pico, computes from flash, says what it found at 115,200 baud, and stops. */
#include "loop.h"
#include "pico.h"
#include "rp2040.h"

#define UART_FR_BUSY (1u << 3)

extern uint32_t stack_top[];
static uint32_t words[WORDS];

void start(void);

__attribute__((section(".vectors"), used)) static void *const vectors[2] = {stack_top, (void *)start};

static void put(char character)
{
    while ((REGISTER(UART0_FR) & UART_FR_TXFF) != 0) {
    }
    REGISTER(UART0_DR) = (uint32_t)character;
}

void start(void)
{
    pico_clocks_start();
    /* 125 MHz / 16 / (67 + 52/64) = 115,207 baud */
    REGISTER(UART0_IBRD) = 67;
    REGISTER(UART0_FBRD) = 52;
    REGISTER(UART0_LCR_H) = 3u << 5 | 1u << 4;
    REGISTER(UART0_CR) = 1u << 9 | 1u << 8 | 1u;
    REGISTER(IO_BANK0_CTRL(0)) = FUNCTION_UART;
    uint32_t value = loop(words, 200);
    for (const char *text = "loop "; *text != 0; text++) {
        put(*text);
    }
    for (int shift = 28; shift >= 0; shift -= 4) {
        put("0123456789abcdef"[value >> shift & 15u]);
    }
    put('\n');
    while ((REGISTER(UART0_FR) & UART_FR_BUSY) != 0) {
    }
    __asm volatile("bkpt 0");
    for (;;) {
    }
}
