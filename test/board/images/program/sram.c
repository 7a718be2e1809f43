/* All in SRAM, no wait states: leaves its result in memory and stops at a breakpoint. */
#include "loop.h"

uint32_t words[WORDS];
volatile uint32_t result;

__attribute__((section(".entry"), noreturn, used)) void entry(void)
{
    result = loop(words, 200);
    __asm volatile("bkpt 1");
    __builtin_unreachable();
}
