/*
 * Erasing and programming the flash that the program itself runs from: from SRAM, with execution in place switched off and
 * interrupts disabled, through the SSI registers. No boot ROM routine is used, so the same code runs on the virtual board.
 */
#include "bb_port.h"
#include "rp2040.h"
#include "xip.h"

#define SECTOR_BYTES 4096u
#define PAGE_BYTES 256u
#define FIFO_IN_FLIGHT 14u

#define OPCODE_SECTOR_ERASE 0x20u
#define OPCODE_PAGE_PROGRAM 0x02u
#define ALARM_0 (1u << 0)
#define OPCODE_JEDEC_ID 0x9fu
#define STATUS_1_BUSY (1u << 0)

/* How often to ask whether it is done: typical times are 0.4 ms for a page and 45 ms for a sector. */
#define PROGRAM_POLL_MICROS 50u
#define ERASE_POLL_MICROS 1000u

/* Output override of the chip select pin: datasheet section 2.19.6.2, GPIO_QSPI_SS_CTRL. */
#define SELECT_FORCED_LOW (2u << 8)
#define SELECT_FORCED_HIGH (3u << 8)

INLINE void chip_select(uint32_t level)
{
    REGISTER(IO_QSPI_SS_CTRL) = level;
    (void)REGISTER(IO_QSPI_SS_CTRL);
}

/* One command: opcode with `address` behind it if `address_bytes` is 3, then `count` bytes. Returns the last byte read. */
IN_SRAM static uint32_t command(uint32_t opcode, uint32_t address, uint32_t address_bytes, const uint8_t *data,
                                uint32_t count)
{
    registers_t ssi = xip_ssi();
    uint32_t total = 1 + address_bytes + count;
    uint32_t sent = 0;
    uint32_t received = 0;
    uint32_t last = 0;
    chip_select(SELECT_FORCED_LOW);
    while (received < total) {
        uint32_t status = ssi[SSI_SR];
        if (sent < total && (status & SSI_SR_TFNF) != 0 && sent - received < FIFO_IN_FLIGHT) {
            uint32_t byte = 0;
            if (sent == 0) {
                byte = opcode;
            } else if (sent <= address_bytes) {
                byte = address >> (8 * (address_bytes - sent)) & 0xffu;
            } else if (data) {
                byte = data[sent - 1 - address_bytes];
            }
            ssi[SSI_DR0] = byte;
            sent++;
        }
        if ((status & SSI_SR_RFNE) != 0) {
            last = ssi[SSI_DR0];
            received++;
        }
    }
    chip_select(SELECT_FORCED_HIGH);
    return last;
}

/*
 * Sleeps for about `micros`, with interrupts masked: the alarm's interrupt becomes pending, ends the sleep and finds nothing
 * left to do once interrupts are back on. A byte from the host ends it early.
 */
INLINE void doze(uint32_t micros)
{
    REGISTER(TIMER_ALARM0) = REGISTER(TIMER_TIMERAWL) + micros;
    wait_for_interrupt();
    REGISTER(TIMER_ARMED) = ALARM_0;
    REGISTER(TIMER_INTR) = ALARM_0;
}

INLINE void leave_xip(void)
{
    registers_t ssi = xip_ssi();
    xip_wait_idle(ssi);
    xip_command_mode(ssi, COMMAND_CLOCK_DIVIDER);
    /* Eight clocks with IO0 high are read as mode bits other than 10: the flash leaves continuous read mode. */
    (void)command(0xff, 0, 0, 0, 0);
}

INLINE void resume_xip(void)
{
    REGISTER(IO_QSPI_SS_CTRL) = 0;
    xip_enter(xip_ssi());
    REGISTER(XIP_CTRL_FLUSH) = 1;
    (void)REGISTER(XIP_CTRL_FLUSH);
}

/* Erases the sector (`data` NULL) or programs part of one page at `offset`. */
IN_SRAM static void alter(uint32_t offset, const uint8_t *data, uint32_t count)
{
    uint32_t primask = interrupts_off();
    leave_xip();
    (void)command(FLASH_WRITE_ENABLE, 0, 0, 0, 0);
    (void)command(data ? OPCODE_PAGE_PROGRAM : OPCODE_SECTOR_ERASE, offset, 3, data, count);
    while ((command(FLASH_READ_STATUS_1, 0, 0, 0, 1) & STATUS_1_BUSY) != 0) {
        doze(data ? PROGRAM_POLL_MICROS : ERASE_POLL_MICROS);
    }
    resume_xip();
    interrupts_restore(primask);
}

IN_SRAM void bb_port_flash_identify(uint8_t *identity)
{
    uint32_t primask = interrupts_off();
    leave_xip();
    for (uint32_t index = 0; index < 3; index++) {
        /* The last of index + 1 bytes read. */
        identity[index] = (uint8_t)command(OPCODE_JEDEC_ID, 0, 0, 0, index + 1);
    }
    resume_xip();
    interrupts_restore(primask);
}

bool bb_port_flash_erase(uint32_t offset, uint32_t bytes)
{
    for (uint32_t done = 0; done < bytes; done += SECTOR_BYTES) {
        alter(offset + done, 0, 0);
    }
    const uint8_t *flash = bb_port_flash_address(offset);
    for (uint32_t index = 0; index < bytes; index++) {
        if (flash[index] != 0xff) {
            return false;
        }
    }
    return true;
}

bool bb_port_flash_program(uint32_t offset, const uint8_t *source, uint32_t bytes)
{
    while (bytes != 0) {
        uint32_t room = PAGE_BYTES - offset % PAGE_BYTES;
        uint32_t count = bytes < room ? bytes : room;
        alter(offset, source, count);
        offset += count;
        source += count;
        bytes -= count;
    }
    return true; /* the caller compares */
}

const uint8_t *bb_port_flash_address(uint32_t offset)
{
    return (const uint8_t *)(XIP_BASE + offset);
}
