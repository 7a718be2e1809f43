/* The four functions that a freestanding compiler may call on its own; sizes in bytes. */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict destination, const void *restrict source, size_t count);
void *memmove(void *destination, const void *source, size_t count);
void *memset(void *destination, int value, size_t count);
int memcmp(const void *left, const void *right, size_t count);

static int aligned(uintptr_t address)
{
    return (address & 3u) == 0;
}

void *memcpy(void *restrict destination, const void *restrict source, size_t count)
{
    uint8_t *to = destination;
    const uint8_t *from = source;
    if (aligned((uintptr_t)to | (uintptr_t)from)) {
        for (; count >= 4; count -= 4, to += 4, from += 4) {
            *(uint32_t *)(void *)to = *(const uint32_t *)(const void *)from;
        }
    }
    while (count-- != 0) {
        *to++ = *from++;
    }
    return destination;
}

void *memmove(void *destination, const void *source, size_t count)
{
    uint8_t *to = destination;
    const uint8_t *from = source;
    if (to <= from) {
        return memcpy(destination, source, count);
    }
    while (count-- != 0) {
        to[count] = from[count];
    }
    return destination;
}

void *memset(void *destination, int value, size_t count)
{
    uint8_t *to = destination;
    uint32_t word = (uint8_t)value * 0x01010101u;
    if (aligned((uintptr_t)to)) {
        for (; count >= 4; count -= 4, to += 4) {
            *(uint32_t *)(void *)to = word;
        }
    }
    while (count-- != 0) {
        *to++ = (uint8_t)value;
    }
    return destination;
}

int memcmp(const void *left, const void *right, size_t count)
{
    const uint8_t *a = left;
    const uint8_t *b = right;
    for (; count != 0; count--, a++, b++) {
        if (*a != *b) {
            return *a - *b;
        }
    }
    return 0;
}
