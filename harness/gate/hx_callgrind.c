/* Callgrind's output file and how it is started. See hx_callgrind.h. */
#define _GNU_SOURCE
#include "gate/hx_callgrind.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hx_file.h"
#include "record/hx_words.h"

enum { PROFILE_BYTES_MAX = 8 * 1024 * 1024 };

/* The rest of the line that starts with `key`, or NULL. */
static const char *line_after(const char *text, const char *key)
{
    size_t key_bytes = strlen(key);

    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, key, key_bytes) == 0)
            return line + key_bytes;
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    return NULL;
}

/* Copies word `index` of a line (words parted by blanks) into word; false when the line has fewer. */
static bool word_at(const char *line, unsigned index, char *word, size_t capacity_bytes)
{
    const char *at = line;

    for (unsigned i = 0;; i++) {
        size_t bytes;

        at += strspn(at, " \t");
        bytes = strcspn(at, " \t\r\n");
        if (bytes == 0)
            return false;
        if (i == index) {
            if (bytes >= capacity_bytes)
                return false;
            memcpy(word, at, bytes);
            word[bytes] = '\0';
            return true;
        }
        at += bytes;
    }
}

static bool read_event(const char *events, const char *summary, const char *name, uint64_t *out)
{
    char word[64];

    for (unsigned i = 0; word_at(events, i, word, sizeof word); i++) {
        if (strcmp(word, name) == 0)
            return word_at(summary, i, word, sizeof word) && hx_parse_u64(word, out);
    }
    return false;
}

bool hx_callgrind_parse(const char *text, struct hx_callgrind_totals *out, struct hx_error *error)
{
    const char *events = line_after(text, "events:");
    const char *summary = line_after(text, "summary:");
    struct hx_callgrind_totals totals;

    if (events == NULL || summary == NULL)
        return hx_fail(error, "callgrind's output has no \"%s\" line", events == NULL ? "events:" : "summary:");
    if (!read_event(events, summary, "Ir", &totals.instructions))
        return hx_fail(error, "callgrind's output counts no instructions (event Ir)");
    if (!read_event(events, summary, "sysCount", &totals.syscalls))
        return hx_fail(error, "callgrind's output counts no system calls (event sysCount)");
    if (totals.instructions == 0)
        return hx_fail(error, "callgrind saw no instruction");
    *out = totals;
    return true;
}

bool hx_callgrind_difference(const struct hx_callgrind_totals *short_run, const struct hx_callgrind_totals *long_run,
                             struct hx_callgrind_totals *out, struct hx_error *error)
{
    if (long_run->instructions <= short_run->instructions || long_run->syscalls < short_run->syscalls)
        return hx_fail(error, "%d blocks counted no more than %d", HX_CALLGRIND_BLOCKS_LONG, HX_CALLGRIND_BLOCKS_SHORT);
    out->instructions = long_run->instructions - short_run->instructions;
    out->syscalls = long_run->syscalls - short_run->syscalls;
    return true;
}

char *hx_callgrind_find(struct hx_error *error)
{
    const char *path = getenv("PATH");

    while (path != NULL && *path != '\0') {
        size_t bytes = strcspn(path, ":");
        char *program = hx_print("%.*s/valgrind", (int)bytes, path);

        if (bytes > 0 && access(program, X_OK) == 0)
            return program;
        free(program);
        path += bytes + (path[bytes] == ':');
    }
    hx_fail(error, "valgrind is not installed: apt-get install -y valgrind");
    return NULL;
}

int hx_callgrind_open(struct hx_callgrind_profile *profile, struct hx_error *error)
{
    int fd = memfd_create("callgrind", MFD_CLOEXEC);

    if (fd < 0)
        hx_fail(error, "no memory for callgrind's output: %s", strerror(errno));
    snprintf(profile->option, sizeof profile->option, "--callgrind-out-file=/proc/%d/fd/%d", (int)getpid(), fd);
    return fd;
}

size_t hx_callgrind_argv(const struct hx_callgrind_profile *profile, const char *valgrind, const char **argv)
{
    size_t argc = 0;

    argv[argc++] = valgrind;
    argv[argc++] = "--tool=callgrind";
    argv[argc++] = "--quiet";
    argv[argc++] = "--vgdb=no";
    argv[argc++] = "--collect-systime=yes";
    argv[argc++] = profile->option;
    return argc;
}

bool hx_callgrind_read(int fd, struct hx_callgrind_totals *totals, struct hx_error *error)
{
    char *text = hx_alloc(PROFILE_BYTES_MAX);
    long bytes = hx_file_read_fd(fd, text, PROFILE_BYTES_MAX);
    bool good = bytes >= 0 ? hx_callgrind_parse(text, totals, error)
                           : hx_fail(error, "cannot read callgrind's output: %s", strerror((int)-bytes));

    free(text);
    return good;
}

const char *const *hx_callgrind_environment(void)
{
    static const char *const environment[] = {
        "PATH=/usr/local/bin:/usr/bin:/bin",
        "LC_ALL=C",
        "GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-ERMS,-FSRM",
        NULL,
    };

    return environment;
}
