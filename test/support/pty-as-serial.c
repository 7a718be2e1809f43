/* Lets libserialport treat a pseudo-terminal as the serial port it expects: modem lines, and an entry below /sys. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int of_pty(const char *path) { return strncmp(path, "/sys/class/tty/pts/", 19) == 0; }

int __lxstat(int version, const char *path, struct stat *out) {
  int (*real)(int, const char *, struct stat *) = (int (*)(int, const char *, struct stat *))dlsym(RTLD_NEXT, "__lxstat");
  return real(version, of_pty(path) ? "/sys" : path, out);
}

ssize_t readlink(const char *path, char *out, size_t size) {
  ssize_t (*real)(const char *, char *, size_t) = (ssize_t (*)(const char *, char *, size_t))dlsym(RTLD_NEXT, "readlink");
  if (!of_pty(path) || size < 3) return real(path, out, size);
  memcpy(out, "pts", 3);
  return 3;
}

int ioctl(int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  if (request == TIOCMGET) {
    *(int *)argument = TIOCM_DSR | TIOCM_CTS | TIOCM_CAR;
    return 0;
  }
  if (request == TIOCMSET || request == TIOCMBIS || request == TIOCMBIC) return 0;
  int (*real)(int, unsigned long, void *) = dlsym(RTLD_NEXT, "ioctl");
  return real(fd, request, argument);
}
