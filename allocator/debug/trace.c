/* trace.c - one line an arena event, as Go's allocfreetrace does for chunks: what, where, whose, which thread, when.
 *
 * A line is one write(2) below the pipe's atomic size, so lines of several threads do not mix. */
#define _GNU_SOURCE
#include <errno.h>
#include <unistd.h>

#include "debug/text.h"
#include "debug/watcher.h"

static const char *const names[UA_EVENT_COUNT] = {
    [UA_EVENT_NEW] = "new",       [UA_EVENT_FREE] = "free",     [UA_EVENT_RESET] = "reset",
    [UA_EVENT_CHUNK] = "chunk",   [UA_EVENT_REUSE] = "reuse",   [UA_EVENT_FULL] = "full",
    [UA_EVENT_LEAVE] = "leave",   [UA_EVENT_WAIT] = "wait",     [UA_EVENT_FAULT] = "fault",
    [UA_EVENT_READY] = "ready",   [UA_EVENT_LARGE] = "large",   [UA_EVENT_LARGE_FREE] = "large-free"};

void ua_trace_line(struct ua_watcher *watcher, int fd, enum ua_event event, const struct ua_arena *arena,
                   const struct ua_span *span)
{
    struct ua_text text;
    int saved_errno = errno;

    if (names[event] == NULL)
        return; /* a step on the way to another event */
    ua_text_start(&text, fd);
    ua_text_string(&text, "ua: ");
    ua_text_string(&text, names[event]);
    if (arena != NULL) {
        ua_text_string(&text, " arena=");
        ua_text_address(&text, (uintptr_t)arena);
    }
    if (span != NULL) {
        ua_text_string(&text, " at=");
        ua_text_address(&text, span->base);
        ua_text_string(&text, " bytes=");
        ua_text_number(&text, span->bytes);
    }
    ua_text_string(&text, " thread=");
    ua_text_number(&text, (uint64_t)gettid());
    ua_text_string(&text, " ns=");
    ua_text_number(&text, ua_clock_now_ns(&ua_clock_system));
    ua_text_string(&text, "\n");
    if (ua_text_flush(&text) != 0)
        __atomic_fetch_add(&watcher->trace_lost_count, 1, __ATOMIC_RELAXED);
    errno = saved_errno;
}
