/* strings.c - copies and formatted text in an arena; bytes are pointer-free, so they come from the back. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/need.h"
#include "arena/arena.h"
#include "include/ua.h"

UA_SCALAR_TYPE(byte_type, char);

char *ua_strndup(struct ua_arena *arena, const char *text, size_t length)
{
    char *copy;

    ua_arena_check(arena, "ua_strndup");
    ua_need(text, "ua_strndup", "the text is NULL");
    length = strnlen(text, length);
    copy = ua_slice(arena, &byte_type, length + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *ua_strdup(struct ua_arena *arena, const char *text)
{
    ua_arena_check(arena, "ua_strdup");
    ua_need(text, "ua_strdup", "the text is NULL");
    return ua_strndup(arena, text, strlen(text));
}

char *ua_vprintf(struct ua_arena *arena, const char *format, va_list arguments)
{
    va_list again;
    char *text;
    int length;

    ua_arena_check(arena, "ua_printf");
    ua_need(format, "ua_printf", "the format is NULL");
    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0) {
        ua_error_set(EILSEQ, "ua_printf: the text cannot be formatted");
        return NULL;
    }
    text = ua_slice(arena, &byte_type, (size_t)length + 1);
    if (text != NULL)
        vsnprintf(text, (size_t)length + 1, format, arguments);
    return text;
}

char *ua_printf(struct ua_arena *arena, const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    text = ua_vprintf(arena, format, arguments);
    va_end(arguments);
    return text;
}
