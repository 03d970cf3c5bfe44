/* profile_write.c - the profile as pprof's tools read it: the text format of tcmalloc and, but for a word, of Go's
 * runtime/pprof.
 *
 *   heap profile: IN_USE_COUNT: IN_USE_BYTES [ALLOC_COUNT: ALLOC_BYTES] @ heap_v2/RATE
 *   one such line a stack, with its return addresses after the @
 *   MAPPED_LIBRARIES: and the process's mappings, by which a tool finds the symbols
 *
 * Figures are those of the samples; the tool scales them up by the rate. Why heap_v2, tcmalloc's word, and not Go's "heap" with
 * twice the rate: to Go's own pprof both are the same, but the older pprof divides by zero where nothing is in use any more. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "debug/profile.h"
#include "debug/text.h"

static void put_counts(struct ua_text *text, const struct ua_site *site)
{
    ua_text_number(text, site->alloc_count - site->free_count);
    ua_text_string(text, ": ");
    ua_text_number(text, site->alloc_bytes - site->free_bytes);
    ua_text_string(text, " [");
    ua_text_number(text, site->alloc_count);
    ua_text_string(text, ": ");
    ua_text_number(text, site->alloc_bytes);
    ua_text_string(text, "] @");
}

static void add_to_total(const struct ua_site *site, void *context)
{
    struct ua_site *total = context;

    total->alloc_count += site->alloc_count;
    total->alloc_bytes += site->alloc_bytes;
    total->free_count += site->free_count;
    total->free_bytes += site->free_bytes;
}

static void put_site(const struct ua_site *site, void *context)
{
    struct ua_text *text = context;

    put_counts(text, site);
    for (size_t i = 0; i < site->frame_count; i++) {
        ua_text_string(text, " ");
        ua_text_address(text, site->frames[i]);
    }
    ua_text_string(text, "\n");
}

/* 0 or an errno. */
static int put_mappings(struct ua_text *text)
{
    char chunk[1024];
    ssize_t got;
    int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    int error;

    if (maps < 0)
        return errno;
    while ((got = read(maps, chunk, sizeof chunk)) > 0)
        ua_text_bytes(text, chunk, (size_t)got);
    error = got < 0 ? errno : 0;
    close(maps);
    return error;
}

int ua_profile_write_fd_to(struct ua_profile *profile, int fd)
{
    struct ua_text text;
    struct ua_site total;
    int error;

    memset(&total, 0, sizeof total);
    ua_text_start(&text, fd);
    ua_profile_each(profile, add_to_total, &total);
    ua_text_string(&text, "heap profile: ");
    put_counts(&text, &total);
    ua_text_string(&text, " heap_v2/");
    ua_text_number(&text, profile->rate_bytes);
    ua_text_string(&text, "\n");
    ua_profile_each(profile, put_site, &text);
    ua_text_string(&text, "\nMAPPED_LIBRARIES:\n");
    error = put_mappings(&text);
    if (error != 0)
        return error;
    return ua_text_flush(&text);
}

int ua_profile_write_path_to(struct ua_profile *profile, const char *path)
{
    char temporary[PATH_MAX];
    int length = snprintf(temporary, sizeof temporary, "%s.%ld.part", path, (long)getpid());
    int error;
    int fd;

    if (length < 0 || (size_t)length >= sizeof temporary)
        return ENAMETOOLONG;
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return errno;
    error = ua_profile_write_fd_to(profile, fd);
    if (close(fd) != 0 && error == 0)
        error = errno;
    if (error == 0 && rename(temporary, path) != 0)
        error = errno;
    if (error != 0)
        unlink(temporary);
    return error;
}
