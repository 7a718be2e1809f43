/* The two C library functions that compilers call of their own accord; a freestanding build brings its own. */
#include <stdint.h>
#include <string.h>

void *memcpy(void *restrict destination, const void *restrict source, size_t bytes) {
    uint8_t *to = destination;
    const uint8_t *from = source;
    for (size_t i = 0; i < bytes; i++) {
        to[i] = from[i];
    }
    return destination;
}

void *memset(void *destination, int value, size_t bytes) {
    uint8_t *to = destination;
    for (size_t i = 0; i < bytes; i++) {
        to[i] = (uint8_t)value;
    }
    return destination;
}
