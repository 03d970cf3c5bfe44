/* base.c - how the allocator dies and how it says why a call failed.
 *
 * Fatal output goes to stderr by write(2) alone: the heap may be broken, so nothing here allocates or takes a lock. */
#include "base/base.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Thread_local const char *ua_thread_error;

static void put(const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        ssize_t wrote = write(STDERR_FILENO, text, left);

        if (wrote <= 0)
            return;
        text += wrote;
        left -= (size_t)wrote;
    }
}

static void put_number(uintptr_t value, unsigned base)
{
    char digits[24];
    size_t at = sizeof digits - 1;

    digits[at] = '\0';
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    put(&digits[at]);
}

static void put_place(const char *file, int line)
{
    const char *name = strrchr(file, '/');

    put(" (");
    put(name != NULL ? name + 1 : file);
    put(":");
    put_number((uintptr_t)line, 10);
    put(")\n");
}

void ua_fatal_at(const char *file, int line, const char *message)
{
    put("fatal error: ");
    put(message);
    put_place(file, line);
    abort();
}

void ua_fatal_address_at(const char *file, int line, const char *message, uintptr_t address)
{
    put("fatal error: ");
    put(message);
    put(" 0x");
    put_number(address, 16);
    put_place(file, line);
    abort();
}

void ua_fatal_call(const char *call, const char *message)
{
    put("fatal error: ");
    put(call);
    put(": ");
    put(message);
    put("\n");
    abort();
}

void ua_error_set(int error, const char *message)
{
    ua_thread_error = message;
    errno = error;
}

const char *ua_error_message(void)
{
    return ua_thread_error != NULL ? ua_thread_error : "no error";
}
