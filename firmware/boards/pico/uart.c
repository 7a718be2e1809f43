/* UART0 on GPIO0 (TX) and GPIO1 (RX), both directions through rings filled and emptied by one interrupt handler. */
#include "bb_link.h"
#include "bb_port.h"
#include "pico.h"
#include "rp2040.h"

#define PIN_TX 0u
#define PIN_RX 1u

/* 125 MHz / 16 / (7 + 52/64) = 1,000,000 baud exactly. */
#define BAUD_INTEGER 7u
#define BAUD_FRACTION 52u
#define LCR_8N1_FIFO ((3u << 5) | (1u << 4))
#define CR_RECEIVE (1u << 9)
#define CR_ENABLE (CR_RECEIVE | (1u << 8) | 1u)
/* Input buffer on, 4 mA, pull-up, hysteresis: section 2.19.6.3. */
#define PAD_INPUT_PULLED_UP ((1u << 6) | (1u << 4) | (1u << 3) | (1u << 1))
/* Interrupt when the receive FIFO is half full and when the transmit FIFO is down to an eighth. */
#define IFLS_RX_HALF_TX_EIGHTH (2u << 3)

#define BYTE_MICROS 10u

/* Receive: two of the longest frames. Transmit: one RESULT and the record frames around it. One byte of each stays free. */
#define RX_RING (2u * BB_LINK_ENCODED_MAX + 8u)
#define TX_RING (BB_LINK_ENCODED_MAX + 512u)

static NOT_CLEARED uint8_t rx_ring[RX_RING];
static NOT_CLEARED uint8_t tx_ring[TX_RING];
static volatile uint32_t rx_head, rx_tail, tx_head, tx_tail;

_Static_assert(TX_RING > BB_LINK_ENCODED_MAX, "a whole frame must fit, else its sender waits for the line");

/* The index behind `index`; a division would take longer than the interrupt handler has. */
INLINE uint32_t behind(uint32_t index, uint32_t ring)
{
    return index + 1u == ring ? 0 : index + 1u;
}

void pico_uart_start(void)
{
    REGISTER(UART0_IBRD) = BAUD_INTEGER;
    REGISTER(UART0_FBRD) = BAUD_FRACTION;
    REGISTER(UART0_LCR_H) = LCR_8N1_FIFO; /* also takes over the divisor */
    REGISTER(UART0_IFLS) = IFLS_RX_HALF_TX_EIGHTH;
    REGISTER(UART0_CR) = CR_ENABLE;
    REGISTER(UART0_IMSC) = UART_INT_RX | UART_INT_RX_TIMEOUT;
    /* Without an adapter on the line the pin must read idle, not a break. */
    REGISTER(PADS_BANK0_GPIO(PIN_RX)) = PAD_INPUT_PULLED_UP;
    REGISTER(IO_BANK0_CTRL(PIN_TX)) = FUNCTION_UART;
    REGISTER(IO_BANK0_CTRL(PIN_RX)) = FUNCTION_UART;
    REGISTER(NVIC_ISER) = 1u << IRQ_UART0;
}

/* Moves what fits into the transmit FIFO and asks for an interrupt only if something is left. Interrupts are off. */
IN_SRAM static void feed(void)
{
    while (tx_tail != tx_head && (REGISTER(UART0_FR) & UART_FR_TXFF) == 0) {
        REGISTER(UART0_DR) = tx_ring[tx_tail];
        tx_tail = behind(tx_tail, TX_RING);
    }
    uint32_t mask = UART_INT_RX | UART_INT_RX_TIMEOUT;
    REGISTER(UART0_IMSC) = tx_tail == tx_head ? mask : mask | UART_INT_TX;
}

IN_SRAM void pico_uart_interrupt(void)
{
    while ((REGISTER(UART0_FR) & UART_FR_RXFE) == 0) {
        uint8_t byte = (uint8_t)REGISTER(UART0_DR);
        const uint32_t next = behind(rx_head, RX_RING);
        if (next != rx_tail) { /* else the frame is lost and the host repeats it */
            rx_ring[rx_head] = byte;
            rx_head = next;
        }
    }
    REGISTER(UART0_ICR) = UART_INT_RX_TIMEOUT;
    feed();
}

void pico_uart_quiet(void)
{
    while (tx_tail != tx_head || (REGISTER(UART0_FR) & UART_FR_BUSY) != 0) {
        const uint32_t head = tx_head;
        const uint32_t unsent = head >= tx_tail ? head - tx_tail : head + TX_RING - tx_tail;
        bb_port_wait((unsent + 1u) * BYTE_MICROS);
    }
    CLEAR_BITS(UART0_CR) = CR_RECEIVE;
}

void pico_uart_listen(void)
{
    SET_BITS(UART0_CR) = CR_RECEIVE;
}

int pico_uart_silent(void)
{
    return rx_head == rx_tail;
}

void bb_port_serial_send(const uint8_t *bytes, uint32_t count)
{
    while (count != 0) {
        uint32_t primask = interrupts_off();
        while (count != 0 && behind(tx_head, TX_RING) != tx_tail) {
            tx_ring[tx_head] = *bytes++;
            tx_head = behind(tx_head, TX_RING);
            count--;
        }
        feed();
        if (count != 0) {
            wait_for_interrupt();
        }
        interrupts_restore(primask);
    }
}

uint32_t bb_port_serial_receive(uint8_t *bytes, uint32_t capacity)
{
    uint32_t count = 0;
    while (count < capacity && rx_tail != rx_head) {
        bytes[count++] = rx_ring[rx_tail];
        rx_tail = behind(rx_tail, RX_RING);
    }
    return count;
}
