/*
 * Starts the chip in the order and with the registers that programs built on vendors' kits use, which are more than our own
 * firmware touches: both PLLs, every clock, every reset, spin locks, divider, SysTick, boot ROM lookup.
 */
#include "rp2040.h"

#define UART_FR_BUSY (1u << 3)
#define UART0_DMACR 0x40034048u
#define PLL_USB_CS 0x4002c000u
#define RESET_PLL_USB (1u << 13)
#define ALL_RESETS 0x01ffffffu
/* QSPI pads and pins, PLLs, system configuration, USB: not reset by those programs, flash and clocks depend on them. */
#define KEPT_RESETS (1u << 6 | 1u << 9 | 1u << 12 | 1u << 13 | 1u << 18 | 1u << 24)
/* Wait for clocks that are set up later. */
#define LATE_RESETS (1u << 0 | 1u << 15 | 1u << 16 | 1u << 17 | 1u << 22 | 1u << 23 | 1u << 24)
#define SIO_CPUID 0xd0000000u
#define SIO_DIVIDER 0xd0000060u
#define SYSTICK 0xe000e010u

extern uint32_t stack_top[];
void start(void);

__attribute__((section(".vectors"), used)) static void *const vectors[2] = {stack_top, (void *)start};

static void put(char character)
{
    while ((REGISTER(UART0_FR) & UART_FR_TXFF) != 0) {
    }
    REGISTER(UART0_DR) = (uint32_t)character;
}

static void put_word(uint32_t value)
{
    for (int shift = 28; shift >= 0; shift -= 4) {
        put("0123456789abcdef"[value >> shift & 15u]);
    }
    put(' ');
}

/* The compiler would take small constants for members of a null pointer. */
static uint32_t rom_halfword(uint32_t address)
{
    __asm("" : "+r"(address));
    return *(const volatile uint16_t *)(uintptr_t)address;
}

static void release(uint32_t bits)
{
    CLEAR_BITS(RESETS_RESET) = bits;
    while ((REGISTER(RESETS_DONE) & bits) != bits) {
    }
}

static void start_pll(uint32_t base, uint32_t reset, uint32_t feedback, uint32_t dividers)
{
    SET_BITS(RESETS_RESET) = reset;
    release(reset);
    REGISTER(base) = 1;
    REGISTER(base + 8) = feedback;
    CLEAR_BITS(base + 4) = 1u << 0 | 1u << 5;
    while ((REGISTER(base) & 1u << 31) == 0) {
    }
    REGISTER(base + 12) = dividers;
    CLEAR_BITS(base + 4) = 1u << 3;
}

static void start_clocks(void)
{
    REGISTER(WATCHDOG_TICK) = 12u | 1u << 9;
    REGISTER(0x40008078) = 0; /* no resuscitation */
    REGISTER(XOSC_CTRL) = 0xaa0;
    REGISTER(XOSC_STARTUP) = 47;
    SET_BITS(XOSC_CTRL) = 0xfabu << 12;
    while ((REGISTER(XOSC_STATUS) & 1u << 31) == 0) {
    }
    CLEAR_BITS(CLK_SYS_CTRL) = 1;
    while (REGISTER(CLK_SYS_SELECTED) != 1) {
    }
    CLEAR_BITS(CLK_REF_CTRL) = 3;
    while (REGISTER(CLK_REF_SELECTED) != 1) {
    }
    start_pll(PLL_SYS_CS, RESET_PLL_SYS, 125, 6u << 16 | 2u << 12);
    start_pll(PLL_USB_CS, RESET_PLL_USB, 100, 5u << 16 | 5u << 12);
    REGISTER(CLK_REF_CTRL) = 2;
    while ((REGISTER(CLK_REF_SELECTED) & 1u << 2) == 0) {
    }
    CLEAR_BITS(CLK_SYS_CTRL) = 7u << 5;
    SET_BITS(CLK_SYS_CTRL) = 1;
    while ((REGISTER(CLK_SYS_SELECTED) & 1u << 1) == 0) {
    }
    REGISTER(0x40008054) = 1u << 11; /* USB */
    REGISTER(CLK_ADC_CTRL) = 1u << 11;
    REGISTER(0x40008070) = 1024u << 8; /* RTC */
    REGISTER(0x4000806c) = 1u << 11;
    REGISTER(CLK_PERI_CTRL) = 1u << 11;
}

void start(void)
{
    if (REGISTER(SIO_CPUID) != 0) {
        for (;;) {
        }
    }
    SET_BITS(RESETS_RESET) = ALL_RESETS & ~KEPT_RESETS;
    release(ALL_RESETS & ~LATE_RESETS);
    start_clocks();
    release(ALL_RESETS);
    for (uint32_t lock = 0; lock < 32; lock++) {
        REGISTER(0xd0000100u + 4 * lock) = 0;
    }
    for (uint32_t priority = 0xe000e400u; priority < 0xe000e420u; priority += 4) {
        REGISTER(priority) = 0x80808080u;
    }
    REGISTER(UART0_IBRD) = 67;
    REGISTER(UART0_FBRD) = 52;
    REGISTER(UART0_LCR_H) = 3u << 5 | 1u << 4;
    REGISTER(UART0_CR) = 1u << 9 | 1u << 8 | 1u;
    REGISTER(UART0_DMACR) = 3;
    REGISTER(IO_BANK0_CTRL(0)) = FUNCTION_UART;

    void *(*lookup)(uint32_t, uint32_t) = (void *(*)(uint32_t, uint32_t))(uintptr_t)rom_halfword(0x18);
    uint32_t (*population)(uint32_t) =
        (uint32_t(*)(uint32_t))lookup(rom_halfword(0x14), (uint32_t)'P' | (uint32_t)'3' << 8);
    put_word(population(0xff00ff01));

    REGISTER(SIO_DIVIDER) = 1000;
    REGISTER(SIO_DIVIDER + 4) = 7;
    __asm volatile("nop\n\tnop\n\tnop\n\tnop\n\tnop\n\tnop\n\tnop\n\tnop");
    uint32_t remainder = REGISTER(SIO_DIVIDER + 0x14);
    put_word(REGISTER(SIO_DIVIDER + 0x10));
    put_word(remainder);

    REGISTER(SYSTICK + 4) = 0xffffff;
    REGISTER(SYSTICK + 8) = 0;
    REGISTER(SYSTICK) = 5;
    uint32_t micros = REGISTER(TIMER_TIMERAWL);
    uint32_t before = REGISTER(SYSTICK + 8);
    while (REGISTER(TIMER_TIMERAWL) - micros < 100) {
    }
    uint32_t cycles = before - REGISTER(SYSTICK + 8);
    /* 100 us at 125 MHz, to within the reading of the counters. */
    put_word(cycles > 12300 && cycles < 12700 ? 1 : cycles);
    put('\n');
    while ((REGISTER(UART0_FR) & UART_FR_BUSY) != 0) {
    }
    __asm volatile("bkpt 0");
    for (;;) {
    }
}
