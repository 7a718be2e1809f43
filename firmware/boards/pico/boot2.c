/*
 * Second-stage boot loader. The boot ROM copies the first 256 bytes of flash to the end of SRAM, checks their CRC and jumps
 * to the first one, with the chip on its ring oscillator and flash unreadable except by commands. This makes flash
 * executable and starts the program that follows it.
 */
#include "xip.h"

#define PROGRAM_VECTORS (XIP_BASE + 0x100u)
#define PAD_FAST_8MA 0x21u
#define PAD_SCHMITT (1u << 1)
#define STATUS_1_BUSY (1u << 0)
#define STATUS_2_QUAD_ENABLE (1u << 1)

INLINE uint32_t exchange(registers_t ssi, uint32_t first, uint32_t second)
{
    ssi[SSI_DR0] = first;
    ssi[SSI_DR0] = second;
    xip_wait_idle(ssi);
    (void)ssi[SSI_DR0];
    return ssi[SSI_DR0];
}

__attribute__((section(".entry"), noreturn, used)) void boot2(void)
{
    registers_t pads = opaque(PADS_QSPI_BASE);
    registers_t ssi = xip_ssi();
    /* Fast edges on the clock and no hysteresis on the data lines: needed for 62.5 MHz. */
    pads[PADS_QSPI_SCLK] = PAD_FAST_8MA;
    uint32_t data_pad = pads[PADS_QSPI_SD0] & ~PAD_SCHMITT;
    pads[PADS_QSPI_SD0] = data_pad;
    pads[PADS_QSPI_SD1] = data_pad;
    pads[PADS_QSPI_SD2] = data_pad;
    pads[PADS_QSPI_SD3] = data_pad;

    xip_command_mode(ssi, COMMAND_CLOCK_DIVIDER);
    /* The W25Q16JV-IQ of the Pico has the quad enable bit set for good; other parts need it written once. */
    if ((exchange(ssi, FLASH_READ_STATUS_2, 0) & STATUS_2_QUAD_ENABLE) == 0) {
        ssi[SSI_DR0] = FLASH_WRITE_ENABLE;
        xip_wait_idle(ssi);
        (void)ssi[SSI_DR0];
        (void)exchange(ssi, FLASH_WRITE_STATUS_2, STATUS_2_QUAD_ENABLE);
        while ((exchange(ssi, FLASH_READ_STATUS_1, 0) & STATUS_1_BUSY) != 0) {
        }
    }
    xip_enter(ssi);

    const uint32_t *vectors = (const uint32_t *)PROGRAM_VECTORS;
    REGISTER(SCB_VTOR) = PROGRAM_VECTORS;
    __asm volatile("msr msp, %0\n\tbx %1" ::"r"(vectors[0]), "r"(vectors[1]));
    __builtin_unreachable();
}
