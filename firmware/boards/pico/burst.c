/*
 * Flash read in bursts (bb_port.h), at two SSI clocks a byte where an access to the XIP window takes five: the SSI asks once
 * and clocks in as many words as CTRLR1 says, and DMA channel 0 empties its FIFO (RP2040 datasheet, sections 2.5.3, 4.10.11). The end of a burst is an
 * interrupt, which begins the next one.
 * The SSI stays in the mode that xip.h has put it in; only CTRLR1 and DMACR differ, and while they do, the XIP window must not
 * be touched. Interrupts go on: handlers and vectors are in SRAM.
 */
#include "bb_port.h"
#include "pico.h"
#include "rp2040.h"
#include "xip.h"

/* A word that has been counted may still be on its way through the DMA: so many of the last ones are not relied upon. */
#define WORDS_IN_FLIGHT 4u

/* Outside of XIP the SSI has the first byte in the highest place. */
#define CHANNEL_CONTROL                                                                                       \
    (DMA_CTRL_ENABLE | DMA_CTRL_WORDS | DMA_CTRL_INCREMENT_WRITE | DMA_CTRL_REQUEST(DREQ_XIP_SSIRX) |         \
     DMA_CTRL_SWAP_BYTES)

#define CHANNEL_0 (1u << 0)

typedef struct request {
    const uint32_t *source;
    uint32_t *to;
    uint32_t words;
} request_t;

/* Words that SSI and DMA are set up for; 0 = for none. */
static uint32_t configured_words;
/* Requests since the beginning, and how many of them are done: what is between them is under way, the second one waiting. */
static volatile uint32_t asked, done;
static NOT_CLEARED request_t second;

INLINE void start(const request_t *request)
{
    registers_t ssi = xip_ssi();
    registers_t dma = opaque(DMA_BASE);
    xip_wait_idle(ssi);
    if (request->words != configured_words) {
        ssi[SSI_SSIENR] = 0;
        ssi[SSI_CTRLR1] = request->words - 1u;
        ssi[SSI_DMARDLR] = 0;
        ssi[SSI_DMACR] = SSI_DMACR_RECEIVE;
        ssi[SSI_SSIENR] = 1;
        dma[DMA_TRANS_COUNT] = request->words;
        configured_words = request->words;
    }
    dma[DMA_AL2_WRITE_ADDR_TRIG] = (uint32_t)(uintptr_t)request->to;
    ssi[SSI_DR0] = ((uint32_t)(uintptr_t)request->source - XIP_BASE) << 8 | FLASH_MODE_CONTINUOUS;
}

void pico_burst_start(void)
{
    registers_t dma = opaque(DMA_BASE);
    dma[DMA_READ_ADDR] = SSI_BASE + 4u * SSI_DR0;
    dma[DMA_AL1_CTRL] = CHANNEL_CONTROL; /* chained to itself: to none */
    dma[DMA_INTE0] = CHANNEL_0;
    REGISTER(NVIC_ISER) = 1u << IRQ_DMA0;
}

/* A burst has ended. The next one begins here, because the core is busy with what has come so far. */
IN_SRAM void pico_burst_interrupt(void)
{
    registers_t dma = opaque(DMA_BASE);
    dma[DMA_INTS0] = CHANNEL_0;
    if (++done != asked) {
        start(&second);
    }
}

IN_SRAM void bb_port_burst_begin(void)
{
    configured_words = 0;
    asked = 0;
    done = 0;
}

IN_SRAM void bb_port_burst_read(const uint32_t *source, uint32_t *to, uint32_t words)
{
    const request_t request = {.source = source, .to = to, .words = words};
    uint32_t primask = interrupts_off();
    if (asked++ == done) {
        start(&request);
    } else {
        second = request;
    }
    interrupts_restore(primask);
}

IN_SRAM uint32_t bb_port_burst_missing(uint32_t burst)
{
    registers_t dma = opaque(DMA_BASE);
    /* The number before the count: if a burst ends in between, what is returned is too much, never too little. */
    const uint32_t finished = done;
    if (finished >= burst) {
        return 0;
    }
    return finished + 1u == burst ? dma[DMA_TRANS_COUNT] + WORDS_IN_FLIGHT : ~0u;
}

IN_SRAM void bb_port_burst_end(void)
{
    registers_t ssi = xip_ssi();
    while (done != asked) {
    }
    xip_wait_idle(ssi);
    ssi[SSI_SSIENR] = 0;
    ssi[SSI_CTRLR1] = 0;
    ssi[SSI_DMACR] = 0;
    ssi[SSI_SSIENR] = 1;
}
