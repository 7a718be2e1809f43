/*
 * How the SSI is made to read a W25Q flash for execution in place. Shared by the second-stage boot loader and by the flash
 * programming code, which leaves and re-enters this mode; both run from SRAM, so everything here is inlined.
 */
#ifndef XIP_H
#define XIP_H

#include "rp2040.h"

/* 125 MHz / 2 = 62.5 MHz; fast read quad I/O (EBh) is good for 133 MHz, W25Q16JV datasheet table 9.6. */
#define XIP_CLOCK_DIVIDER 2u
/* 31.25 MHz for single-line commands; read data (03h) allows 50 MHz. */
#define COMMAND_CLOCK_DIVIDER 4u

#define FLASH_WRITE_STATUS_2 0x31u
#define FLASH_READ_STATUS_1 0x05u
#define FLASH_READ_STATUS_2 0x35u
#define FLASH_WRITE_ENABLE 0x06u
#define FLASH_READ_QUAD 0xebu
/* Mode bits M7-0 = 1010 xxxx after the address: the next read needs no instruction byte. */
#define FLASH_MODE_CONTINUOUS 0xa0u

#define CTRLR0_STANDARD_8_BIT (7u << 16)
#define CTRLR0_QUAD_32_BIT_READ ((2u << 21) | (31u << 16) | (3u << 8))
#define SPI_CTRLR0_WAIT_4 (4u << 11)
#define SPI_CTRLR0_ADDRESS_32_BIT (8u << 2)
#define SPI_CTRLR0_INSTRUCTION_8_BIT (2u << 8)
#define SPI_CTRLR0_INSTRUCTION_SINGLE_REST_QUAD 1u
#define SPI_CTRLR0_ALL_QUAD 2u

/*
 * The SSI's registers by offset from a base that the compiler cannot see through, so that it keeps the base in one register
 * instead of loading every address from a literal: the boot loader has 252 bytes.
 */
typedef volatile uint32_t *registers_t;

INLINE registers_t opaque(uint32_t address)
{
    __asm("" : "+r"(address));
    return (registers_t)(uintptr_t)address;
}

INLINE registers_t xip_ssi(void)
{
    return opaque(SSI_BASE);
}

INLINE void xip_wait_idle(registers_t ssi)
{
    while ((ssi[SSI_SR] & (SSI_SR_TFE | SSI_SR_BUSY)) != SSI_SR_TFE) {
    }
}

/* Single-line SPI with 8-bit frames, for commands. */
INLINE void xip_command_mode(registers_t ssi, uint32_t divider)
{
    ssi[SSI_SSIENR] = 0;
    ssi[SSI_BAUDR] = divider;
    ssi[SSI_RX_SAMPLE_DLY] = 1;
    ssi[SSI_CTRLR0] = CTRLR0_STANDARD_8_BIT;
    ssi[SSI_SER] = 1;
    ssi[SSI_SSIENR] = 1;
}

/* From command mode, with the quad enable bit set: one quad read with continuous mode bits, then the same without its
 * instruction for every access to the XIP window. */
INLINE void xip_enter(registers_t ssi)
{
    ssi[SSI_SSIENR] = 0;
    ssi[SSI_BAUDR] = XIP_CLOCK_DIVIDER;
    ssi[SSI_CTRLR0] = CTRLR0_QUAD_32_BIT_READ;
    ssi[SSI_CTRLR1] = 0;
    ssi[SSI_SPI_CTRLR0] = SPI_CTRLR0_WAIT_4 | SPI_CTRLR0_ADDRESS_32_BIT | SPI_CTRLR0_INSTRUCTION_8_BIT |
                               SPI_CTRLR0_INSTRUCTION_SINGLE_REST_QUAD;
    ssi[SSI_SSIENR] = 1;
    ssi[SSI_DR0] = FLASH_READ_QUAD;
    ssi[SSI_DR0] = FLASH_MODE_CONTINUOUS;
    xip_wait_idle(ssi);
    ssi[SSI_SSIENR] = 0;
    ssi[SSI_SPI_CTRLR0] =
        FLASH_MODE_CONTINUOUS << 24 | SPI_CTRLR0_WAIT_4 | SPI_CTRLR0_ADDRESS_32_BIT | SPI_CTRLR0_ALL_QUAD;
    ssi[SSI_SSIENR] = 1;
}

#endif
