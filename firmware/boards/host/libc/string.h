/* What the portable core uses of the C library; memory.c has the code. */
#ifndef BB_HOST_STRING_H
#define BB_HOST_STRING_H

#include <stddef.h>

void *memcpy(void *restrict destination, const void *restrict source, size_t bytes);
void *memset(void *destination, int value, size_t bytes);

#endif
