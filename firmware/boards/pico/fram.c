/*
 * MB85RS4MT or CY15B104Q on SPI0: GPIO16 MISO, GPIO17 chip select, GPIO18 clock, GPIO19 MOSI. Writes need no waiting: a byte
 * is non-volatile once its last bit is clocked in.
 */
#include "bb_port.h"
#include "pico.h"
#include "rp2040.h"

#define PIN_MISO 16u
#define PIN_SELECT 17u
#define PIN_CLOCK 18u
#define PIN_MOSI 19u

/*
 * 125 MHz / (2 x (1 + 2)) = 20.8 MHz: both parts allow 40 MHz, jumper wires less. Mode 3, 8-bit frames: both parts take modes
 * 0 and 3, and in mode 3 the PL022 sends frames back to back, while in mode 0 it pauses for a clock between them.
 */
#define PRESCALE 2u
#define CR0_MODE_3_8_BIT ((2u << 8) | (1u << 7) | (1u << 6) | 7u)
#define CR1_ENABLE (1u << 1)

#define OPCODE_WRITE_ENABLE 0x06u
#define OPCODE_WRITE 0x02u
#define OPCODE_READ 0x03u
#define OPCODE_IDENTIFY 0x9fu
#define IDENTITY_BYTES 4u

#define FIFO_DEPTH 8u

void pico_fram_start(void)
{
    REGISTER(SIO_GPIO_OUT_SET) = 1u << PIN_SELECT;
    REGISTER(SIO_GPIO_OE_SET) = 1u << PIN_SELECT;
    REGISTER(IO_BANK0_CTRL(PIN_SELECT)) = FUNCTION_SIO;
    REGISTER(SPI0_CPSR) = PRESCALE;
    REGISTER(SPI0_CR0) = CR0_MODE_3_8_BIT;
    REGISTER(SPI0_CR1) = CR1_ENABLE;
    REGISTER(IO_BANK0_CTRL(PIN_MISO)) = FUNCTION_SPI;
    REGISTER(IO_BANK0_CTRL(PIN_CLOCK)) = FUNCTION_SPI;
    REGISTER(IO_BANK0_CTRL(PIN_MOSI)) = FUNCTION_SPI;
}

static void chip_select(void)
{
    REGISTER(SIO_GPIO_OUT_CLR) = 1u << PIN_SELECT;
}

/* Waits for the last bit, empties the receive FIFO and ends the command. */
static void finish(void)
{
    while ((REGISTER(SPI0_SR) & SPI_SR_BSY) != 0) {
    }
    while ((REGISTER(SPI0_SR) & SPI_SR_RNE) != 0) {
        (void)REGISTER(SPI0_DR);
    }
    REGISTER(SIO_GPIO_OUT_SET) = 1u << PIN_SELECT;
}

static void send(const uint8_t *bytes, uint32_t count)
{
    while (count != 0) {
        if ((REGISTER(SPI0_SR) & SPI_SR_TNF) != 0) {
            REGISTER(SPI0_DR) = *bytes++;
            count--;
        }
    }
}

static void send_address(uint8_t opcode, uint32_t offset)
{
    const uint8_t command[4] = {opcode, (uint8_t)(offset >> 16), (uint8_t)(offset >> 8), (uint8_t)offset};
    send(command, sizeof command);
}

void bb_port_nvm_write(uint32_t offset, const void *source, uint32_t bytes)
{
    const uint8_t write_enable = OPCODE_WRITE_ENABLE;
    chip_select();
    send(&write_enable, 1);
    finish();
    chip_select();
    send_address(OPCODE_WRITE, offset);
    send(source, bytes);
    finish();
}

/* After the command's own bytes: reads `bytes` bytes and ends the command. */
static void receive(uint8_t *to, uint32_t bytes)
{
    uint32_t unsent = bytes;
    while ((REGISTER(SPI0_SR) & SPI_SR_BSY) != 0) {
    }
    while ((REGISTER(SPI0_SR) & SPI_SR_RNE) != 0) {
        (void)REGISTER(SPI0_DR);
    }
    while (bytes != 0) {
        if (unsent != 0 && bytes - unsent < FIFO_DEPTH) {
            REGISTER(SPI0_DR) = 0;
            unsent--;
        }
        if ((REGISTER(SPI0_SR) & SPI_SR_RNE) != 0) {
            *to++ = (uint8_t)REGISTER(SPI0_DR);
            bytes--;
        }
    }
    finish();
}

void bb_port_nvm_read(uint32_t offset, void *destination, uint32_t bytes)
{
    chip_select();
    send_address(OPCODE_READ, offset);
    receive(destination, bytes);
}

void bb_port_nvm_identify(uint8_t *identity)
{
    const uint8_t identify = OPCODE_IDENTIFY;
    chip_select();
    send(&identify, 1);
    receive(identity, IDENTITY_BYTES);
}
