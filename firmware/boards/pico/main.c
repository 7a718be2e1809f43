#include "bb_device.h"
#include "pico.h"
#include "rp2040.h"

/* `RP40` */
#define BOARD_PICO 0x30345052u
#define ARENA_BYTES (208u * 1024u)

/* SPEC section 1. */
static const bb_place_t place = {
    .board = BOARD_PICO,
    .flash_bytes = 2u * 1024u * 1024u,
    .nvm_bytes = 512u * 1024u,
    .arena_bytes = ARENA_BYTES,
    .image_offset = 0x040000u,
    .image_capacity = 0x100000u,
    .dataset_offset = 0x140000u,
    .dataset_capacity = 0x0c0000u,
};

__attribute__((section(".arena"), aligned(16))) static uint8_t arena[ARENA_BYTES];
static NOT_CLEARED bb_device_t device;

_Noreturn void pico_main(void)
{
    pico_timer_start();
    pico_burst_start();
    pico_uart_start();
    pico_fram_start();
    bb_device_boot(&device, &place, arena);
    for (;;) {
        bb_device_turn(&device);
    }
}
