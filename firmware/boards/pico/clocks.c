#include "pico.h"
#include "rp2040.h"

#define XOSC_ENABLE_1_15MHZ ((0xfabu << 12) | 0xaa0u)
/* 1 ms at 12 MHz in units of 256 cycles: datasheet section 2.16.3. */
#define XOSC_STARTUP_1MS 47u
#define XOSC_STABLE (1u << 31)

/* 12 MHz x 125 = 1500 MHz, / 6 / 2 = 125 MHz: datasheet section 2.18.2.1. */
#define PLL_FEEDBACK 125u
#define PLL_POST_DIVIDERS ((6u << 16) | (2u << 12))
#define PLL_POWER_DOWN (1u << 0)
#define PLL_POST_DIVIDER_DOWN (1u << 3)
#define PLL_VCO_DOWN (1u << 5)
#define PLL_LOCK (1u << 31)

#define CLK_REF_FROM_XOSC 2u
#define CLK_SYS_FROM_AUX 1u
#define CLK_ENABLE (1u << 11)

#define TICK_ENABLE (1u << 9)
#define TICKS_PER_MICROSECOND 12u

#define RESETS_USED \
    (RESET_DMA | RESET_IO_BANK0 | RESET_PADS_BANK0 | RESET_PLL_SYS | RESET_SPI0 | RESET_TIMER | RESET_UART0)

/* Starts the PLL, which has its reference, and lets the system clock come from it. */
static void pll_on(void)
{
    CLEAR_BITS(PLL_SYS_PWR) = PLL_POWER_DOWN | PLL_VCO_DOWN;
    while ((REGISTER(PLL_SYS_CS) & PLL_LOCK) == 0) {
    }
    REGISTER(PLL_SYS_PRIM) = PLL_POST_DIVIDERS;
    CLEAR_BITS(PLL_SYS_PWR) = PLL_POST_DIVIDER_DOWN;
    /* The auxiliary source is PLL_SYS out of reset; only the glitch-free switch has to turn. */
    REGISTER(CLK_SYS_CTRL) = CLK_SYS_FROM_AUX;
    while ((REGISTER(CLK_SYS_SELECTED) & (1u << CLK_SYS_FROM_AUX)) == 0) {
    }
}

static void leave_pll(void)
{
    CLEAR_BITS(CLK_SYS_CTRL) = CLK_SYS_FROM_AUX;
    while ((REGISTER(CLK_SYS_SELECTED) & 1u) == 0) {
    }
}

void pico_clocks_slow(void)
{
    leave_pll();
    SET_BITS(PLL_SYS_PWR) = PLL_POWER_DOWN | PLL_VCO_DOWN | PLL_POST_DIVIDER_DOWN;
}

void pico_clocks_fast(void)
{
    pll_on();
}

void pico_clocks_start(void)
{
    REGISTER(XOSC_STARTUP) = XOSC_STARTUP_1MS;
    REGISTER(XOSC_CTRL) = XOSC_ENABLE_1_15MHZ;
    /*
     * After power-on all of this is so already. After a start by a debugger or another program's jump, the PLL may be running
     * and the system clock come from it: leave it before it is stopped, and begin with peripherals as after power-on.
     */
    leave_pll();
    SET_BITS(RESETS_RESET) = RESETS_USED;
    CLEAR_BITS(RESETS_RESET) = RESETS_USED;
    while ((REGISTER(RESETS_DONE) & RESETS_USED) != RESETS_USED) {
    }
    while ((REGISTER(XOSC_STATUS) & XOSC_STABLE) == 0) {
    }
    REGISTER(CLK_REF_CTRL) = CLK_REF_FROM_XOSC;
    while ((REGISTER(CLK_REF_SELECTED) & (1u << CLK_REF_FROM_XOSC)) == 0) {
    }
    REGISTER(WATCHDOG_TICK) = TICK_ENABLE | TICKS_PER_MICROSECOND;

    REGISTER(PLL_SYS_CS) = 1;
    REGISTER(PLL_SYS_FBDIV) = PLL_FEEDBACK;
    pll_on();
    REGISTER(CLK_PERI_CTRL) = CLK_ENABLE;
}
