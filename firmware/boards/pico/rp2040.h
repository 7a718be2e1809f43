/*
 * The registers of the RP2040 that this firmware touches (RP2040 datasheet; the section is named at each block).
 */
#ifndef RP2040_H
#define RP2040_H

#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
/* Aliases of most peripherals that set or clear the written bits atomically: section 2.1.2. */
#define SET_BITS(address) REGISTER((address) + 0x2000u)
#define CLEAR_BITS(address) REGISTER((address) + 0x3000u)

/* Flash, cache and the serial interface to it: sections 2.6.3 and 4.10. */
#define XIP_BASE 0x10000000u
#define XIP_CTRL_FLUSH 0x14000004u
#define SSI_BASE 0x18000000u /* registers as word indices from it */
#define SSI_CTRLR0 (0x00u / 4)
#define SSI_CTRLR1 (0x04u / 4)
#define SSI_SSIENR (0x08u / 4)
#define SSI_SER (0x10u / 4)
#define SSI_BAUDR (0x14u / 4)
#define SSI_SR (0x28u / 4)
#define SSI_DMACR (0x4cu / 4)
#define SSI_DMARDLR (0x54u / 4)
#define SSI_DR0 (0x60u / 4)
#define SSI_RX_SAMPLE_DLY (0xf0u / 4)
#define SSI_SPI_CTRLR0 (0xf4u / 4)
#define SSI_DMACR_RECEIVE (1u << 0)
#define SSI_SR_BUSY (1u << 0)
#define SSI_SR_TFNF (1u << 1)
#define SSI_SR_TFE (1u << 2)
#define SSI_SR_RFNE (1u << 3)

/* DMA channel 0: section 2.5.7. Registers as word indices from it; the alias starts the channel with the count it had last. */
#define DMA_BASE 0x50000000u
#define DMA_READ_ADDR (0x00u / 4)
#define DMA_WRITE_ADDR (0x04u / 4)
#define DMA_TRANS_COUNT (0x08u / 4)
#define DMA_AL1_CTRL (0x10u / 4)
#define DMA_AL2_WRITE_ADDR_TRIG (0x2cu / 4)
#define DMA_INTE0 (0x404u / 4)
#define DMA_INTS0 (0x40cu / 4)
#define DMA_CTRL_SWAP_BYTES (1u << 22)
#define DMA_CTRL_REQUEST(number) ((number) << 15)
#define DMA_CTRL_INCREMENT_WRITE (1u << 5)
#define DMA_CTRL_WORDS (2u << 2)
#define DMA_CTRL_ENABLE (1u << 0)
#define DREQ_XIP_SSIRX 39u

/* Pads and pin functions: section 2.19. */
#define IO_BANK0_CTRL(pin) (0x40014004u + 8u * (pin))
#define PADS_BANK0_GPIO(pin) (0x4001c004u + 4u * (pin))
#define IO_QSPI_SS_CTRL 0x4001800cu
#define PADS_QSPI_BASE 0x40020000u /* registers as word indices from it */
#define PADS_QSPI_SCLK (0x04u / 4)
#define PADS_QSPI_SD0 (0x08u / 4)
#define PADS_QSPI_SD1 (0x0cu / 4)
#define PADS_QSPI_SD2 (0x10u / 4)
#define PADS_QSPI_SD3 (0x14u / 4)
#define FUNCTION_SPI 1u
#define FUNCTION_UART 2u
#define FUNCTION_SIO 5u
#define FUNCTION_NONE 31u

/* Resets: section 2.14. */
#define RESETS_RESET 0x4000c000u
#define RESETS_DONE 0x4000c008u
#define RESET_ADC (1u << 0)
#define RESET_DMA (1u << 2)
#define RESET_IO_BANK0 (1u << 5)
#define RESET_PADS_BANK0 (1u << 8)
#define RESET_PLL_SYS (1u << 12)
#define RESET_SPI0 (1u << 16)
#define RESET_TIMER (1u << 21)
#define RESET_UART0 (1u << 22)

/* Clocks: sections 2.15, 2.16, 2.18. */
#define XOSC_CTRL 0x40024000u
#define XOSC_STATUS 0x40024004u
#define XOSC_STARTUP 0x4002400cu
#define PLL_SYS_CS 0x40028000u
#define PLL_SYS_PWR 0x40028004u
#define PLL_SYS_FBDIV 0x40028008u
#define PLL_SYS_PRIM 0x4002800cu
#define CLK_REF_CTRL 0x40008030u
#define CLK_REF_SELECTED 0x40008038u
#define CLK_SYS_CTRL 0x4000803cu
#define CLK_SYS_SELECTED 0x40008044u
#define CLK_PERI_CTRL 0x40008048u
#define CLOCKS_SLEEP_EN0 0x400080a8u
#define CLOCKS_SLEEP_EN1 0x400080acu
#define SLEEP_EN1_TIMER (1u << 5)
#define SLEEP_EN1_WATCHDOG (1u << 12) /* its tick drives the timer */
#define CLK_ADC_CTRL 0x40008060u
#define CLK_ADC_DIV 0x40008064u
#define WATCHDOG_CTRL 0x40058000u
#define WATCHDOG_TICK 0x4005802cu
#define WATCHDOG_TRIGGER (1u << 31)

/* Power-on state machine, what the watchdog resets: section 2.13.5. Bits 0 and 1 are the oscillators. */
#define PSM_WDSEL 0x40010008u
#define PSM_ALL_BUT_OSCILLATORS 0x0001fffcu

/* UART0: section 4.2. */
#define UART0_DR 0x40034000u
#define UART0_FR 0x40034018u
#define UART0_IBRD 0x40034024u
#define UART0_FBRD 0x40034028u
#define UART0_LCR_H 0x4003402cu
#define UART0_CR 0x40034030u
#define UART0_IFLS 0x40034034u
#define UART0_IMSC 0x40034038u
#define UART0_ICR 0x40034044u
#define UART_FR_BUSY (1u << 3)
#define UART_FR_RXFE (1u << 4)
#define UART_FR_TXFF (1u << 5)
#define UART_INT_RX (1u << 4)
#define UART_INT_TX (1u << 5)
#define UART_INT_RX_TIMEOUT (1u << 6)

/* SPI0: section 4.4. */
#define SPI0_CR0 0x4003c000u
#define SPI0_CR1 0x4003c004u
#define SPI0_DR 0x4003c008u
#define SPI0_SR 0x4003c00cu
#define SPI0_CPSR 0x4003c010u
#define SPI_SR_TNF (1u << 1)
#define SPI_SR_RNE (1u << 2)
#define SPI_SR_BSY (1u << 4)

/* ADC: section 4.9. */
#define ADC_CS 0x4004c000u
#define ADC_RESULT 0x4004c004u

/* Timer: section 4.6. */
#define TIMER_TIMERAWL 0x40054028u
#define TIMER_ALARM0 0x40054010u
#define TIMER_ARMED 0x40054020u
#define TIMER_INTR 0x40054034u
#define TIMER_INTE 0x40054038u

/* Single-cycle I/O: section 2.3.1. */
#define SIO_GPIO_OUT_SET 0xd0000014u
#define SIO_GPIO_OUT_CLR 0xd0000018u
#define SIO_GPIO_OE_SET 0xd0000024u

/* Cortex-M0+ private peripherals: section 2.4.8. */
#define NVIC_ISER 0xe000e100u
#define SCB_VTOR 0xe000ed08u
#define SCB_SCR 0xe000ed10u
#define SCR_SLEEPDEEP (1u << 2)
#define IRQ_TIMER0 0u
#define IRQ_DMA0 11u
#define IRQ_UART0 20u

static inline uint32_t interrupts_off(void)
{
    uint32_t primask;
    __asm volatile("mrs %0, primask\n\tcpsid i" : "=r"(primask)::"memory");
    return primask;
}

static inline void interrupts_restore(uint32_t primask)
{
    __asm volatile("msr primask, %0" ::"r"(primask) : "memory");
}

static inline void wait_for_interrupt(void)
{
    __asm volatile("dsb\n\twfi" ::: "memory");
}

/* Code that runs while flash cannot be read, and what is part of such code. */
#define IN_SRAM __attribute__((section(".ramfunc"), noinline))
#define INLINE static inline __attribute__((always_inline))

/* Memory that nobody reads before writing it; clearing it would cost time at every power-on. */
#define NOT_CLEARED __attribute__((section(".notcleared")))

#endif
