/* text.c - see text.h. */
#include "debug/text.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void ua_text_start(struct ua_text *text, int fd)
{
    text->fd = fd;
    text->error = 0;
    text->used = 0;
}

int ua_text_flush(struct ua_text *text)
{
    size_t done = 0;

    while (text->error == 0 && done < text->used) {
        ssize_t wrote = write(text->fd, text->bytes + done, text->used - done);

        if (wrote > 0)
            done += (size_t)wrote;
        else if (wrote == 0 || errno != EINTR)
            text->error = wrote == 0 ? EIO : errno;
    }
    text->used = 0;
    return text->error;
}

void ua_text_bytes(struct ua_text *text, const char *bytes, size_t count)
{
    while (count > 0) {
        size_t room = UA_TEXT_BYTES - text->used;
        size_t take = count < room ? count : room;

        memcpy(text->bytes + text->used, bytes, take);
        text->used += take;
        bytes += take;
        count -= take;
        if (text->used == UA_TEXT_BYTES)
            ua_text_flush(text);
    }
}

void ua_text_string(struct ua_text *text, const char *string)
{
    ua_text_bytes(text, string, strlen(string));
}

static void put_digits(struct ua_text *text, uint64_t value, unsigned base)
{
    char digits[24];
    size_t at = sizeof digits;

    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    ua_text_bytes(text, digits + at, sizeof digits - at);
}

void ua_text_number(struct ua_text *text, uint64_t value)
{
    put_digits(text, value, 10);
}

void ua_text_address(struct ua_text *text, uintptr_t value)
{
    ua_text_string(text, "0x");
    put_digits(text, value, 16);
}
