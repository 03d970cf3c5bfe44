/* hx_allocator.c - see hx_allocator.h. */
#include "record/hx_allocator.h"

#include "record/hx_elf.h"
#include "record/hx_words.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct known {
    const char *name;
    enum hx_allocator_kind kind;
    const char *files; /* file names in order of preference, joined by commas */
    const char *package;
};

static const struct known known_mallocs[] = {
    {"mimalloc", HX_ALLOCATOR_MIMALLOC, "libmimalloc.so.3,libmimalloc.so.2,libmimalloc.so", "libmimalloc2.0"},
    {"jemalloc", HX_ALLOCATOR_JEMALLOC, "libjemalloc.so.2,libjemalloc.so", "libjemalloc2"},
    {"tcmalloc", HX_ALLOCATOR_TCMALLOC, "libtcmalloc_minimal.so.4,libtcmalloc_minimal.so", "libtcmalloc-minimal4"},
};

/* Where the dynamic linker looks on the usual distributions; foreign architectures drop out by the ELF check. */
static const char *const folders[] = {"/usr/local/lib", "/usr/local/lib64", "/lib/*-linux-gnu*", "/usr/lib/*-linux-gnu*",
                                      "/lib64",         "/usr/lib64",       "/lib",              "/usr/lib"};

enum hx_allocator_kind hx_allocator_kind_of(const char *backend) {
    if (strcmp(backend, "malloc") == 0) {
        return HX_ALLOCATOR_GLIBC;
    }
    for (size_t i = 0; i < HX_COUNT_OF(known_mallocs); i++) {
        if (strcmp(known_mallocs[i].name, backend) == 0) {
            return known_mallocs[i].kind;
        }
    }
    return HX_ALLOCATOR_OTHER;
}

enum { ASK_MALLOC, ASK_FREE, ASK_MIMALLOC, ASK_JEMALLOC, ASK_TCMALLOC };
static const char *const asked[] = {"malloc", "free", "mi_malloc", "mallctl", "tc_malloc", NULL};

/* Whatever the user calls it, a library that exports mimalloc's own names understands mimalloc's variables. */
static enum hx_allocator_kind kind_by_symbols(const struct hx_elf *elf) {
    if (elf->exports[ASK_MIMALLOC]) {
        return HX_ALLOCATOR_MIMALLOC;
    }
    if (elf->exports[ASK_JEMALLOC]) {
        return HX_ALLOCATOR_JEMALLOC;
    }
    return elf->exports[ASK_TCMALLOC] ? HX_ALLOCATOR_TCMALLOC : HX_ALLOCATOR_OTHER;
}

/* Resolves and checks one library file; fills path and kind. */
static bool check_library(const char *path, struct hx_allocator *out, struct hx_error *error) {
    char resolved[PATH_MAX];
    if (realpath(path, resolved) == NULL) {
        return hx_fail(error, "%s: %s", path, strerror(errno));
    }
    if (strpbrk(resolved, " :\t\n") != NULL) {
        return hx_fail(error, "%s: LD_PRELOAD cannot name a path with a space or a colon", resolved);
    }
    struct hx_elf elf;
    if (!hx_elf_read(resolved, asked, &elf, error)) {
        return false;
    }
    if (!elf.exports[ASK_MALLOC] || !elf.exports[ASK_FREE]) {
        return hx_fail(error, "%s is a shared library, but exports no %s", resolved, elf.exports[ASK_MALLOC] ? "free" : "malloc");
    }
    out->kind = kind_by_symbols(&elf);
    return hx_copy(out->path, sizeof out->path, resolved) || hx_fail(error, "%s: path too long", path);
}

/* Tries the files of one known malloc in one folder (a glob pattern). */
static bool find_in(const char *folder, const struct known *known, struct hx_allocator *out) {
    char *files = hx_dup(known->files);
    char *rest = NULL;
    bool found = false;
    for (char *file = strtok_r(files, ",", &rest); file != NULL && !found; file = strtok_r(NULL, ",", &rest)) {
        char *pattern = hx_print("%s/%s", folder, file);
        glob_t matches;
        if (glob(pattern, 0, NULL, &matches) == 0) {
            for (size_t i = 0; i < matches.gl_pathc && !found; i++) {
                found = check_library(matches.gl_pathv[i], out, NULL);
            }
            globfree(&matches);
        }
        free(pattern);
    }
    free(files);
    return found;
}

bool hx_allocator_find(const char *name, struct hx_allocator *out, struct hx_error *error) {
    *out = (struct hx_allocator){0};
    for (size_t k = 0; k < HX_COUNT_OF(known_mallocs); k++) {
        const struct known *known = &known_mallocs[k];
        if (strcmp(known->name, name) != 0) {
            continue;
        }
        bool found = false;
        const char *configured = getenv("LD_LIBRARY_PATH");
        char *paths = hx_dup(configured != NULL ? configured : "");
        char *rest = NULL;
        for (char *path = strtok_r(paths, ":", &rest); path != NULL && !found; path = strtok_r(NULL, ":", &rest)) {
            found = find_in(path, known, out);
        }
        free(paths);
        for (size_t i = 0; i < HX_COUNT_OF(folders) && !found; i++) {
            found = find_in(folders[i], known, out);
        }
        if (found) {
            out->kind = known->kind;
            return hx_copy(out->name, sizeof out->name, name);
        }
        return hx_fail(error, "%s is not installed (Debian package %s)", name, known->package);
    }
    return hx_fail(error, "unknown malloc %s (mimalloc, jemalloc, tcmalloc, or --allocator NAME=LIB)", name);
}

static bool good_name(const char *name, size_t length) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    return length > 0 && length < HX_NAME_BYTES && strspn(name, letters) >= length;
}

bool hx_allocator_parse(const char *argument, struct hx_allocator *out, struct hx_error *error) {
    *out = (struct hx_allocator){0};
    const char *equals = strchr(argument, '=');
    if (equals == NULL || equals[1] == '\0' || !good_name(argument, (size_t)(equals - argument))) {
        return hx_fail(error, "--allocator %s: want NAME=LIB, a name of letters, digits, - _ . and a shared library", argument);
    }
    memcpy(out->name, argument, (size_t)(equals - argument));
    struct hx_error why = {{0}};
    if (!check_library(equals + 1, out, &why)) {
        return hx_fail(error, "--allocator %s: %s", out->name, why.line);
    }
    return true;
}

bool hx_allocator_thp_always(void) {
    char text[128] = {0};
    FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
    if (file == NULL) {
        return false;
    }
    bool always = fgets(text, sizeof text, file) != NULL && strstr(text, "[always]") != NULL;
    (void)fclose(file);
    return always;
}

const char *hx_allocator_pages_reason(enum hx_allocator_kind kind, enum hx_pages pages) {
    bool mute = kind == HX_ALLOCATOR_TCMALLOC || kind == HX_ALLOCATOR_OTHER;
    return pages == HX_PAGES_HUGE && mute && !hx_allocator_thp_always() ? "cannot: no option of this malloc asks for huge pages" : NULL;
}
