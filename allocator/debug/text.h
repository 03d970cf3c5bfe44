/* text.h - lines of words and numbers to a descriptor, in a buffer of one's own.
 *
 * Why not stdio: traces and profiles are written where the program may be anywhere, in a signal handler too, and nothing here
 * allocates or takes a lock. */
#ifndef UA_DEBUG_TEXT_H
#define UA_DEBUG_TEXT_H

#include "base/base.h"

#define UA_TEXT_BYTES 1024u

struct ua_text {
    int fd;
    int error;   /* the first errno of a write; nothing is written after it */
    size_t used;
    char bytes[UA_TEXT_BYTES];
};

void ua_text_start(struct ua_text *text, int fd);
void ua_text_string(struct ua_text *text, const char *string);
void ua_text_bytes(struct ua_text *text, const char *bytes, size_t count);
void ua_text_number(struct ua_text *text, uint64_t value);
void ua_text_address(struct ua_text *text, uintptr_t value); /* "0x..." */
/* Writes what is buffered, in one call unless the system takes it in parts. The text's error so far. */
int ua_text_flush(struct ua_text *text);

#endif
