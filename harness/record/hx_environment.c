/* hx_environment.c - the environment of a worker; declared in hx_spawn.h.
 *
 * Why a file of its own: each malloc speaks its own variables, and this table is where a new one is added. A worker inherits almost
 * nothing from the shell, because the size of the environment alone moves results (Mytkowicz et al.). */
#include "record/hx_spawn.h"
#include "record/hx_words.h"

#include <stdlib.h>
#include <string.h>

extern char **environ;

struct setting {
    enum hx_allocator_kind kind;
    const char *text; /* NAME=value, or for glibc a part of GLIBC_TUNABLES */
};

/* Page mode huge: each malloc's own way to ask for huge pages. tcmalloc (gperftools) has none. Both spellings of mimalloc's option
 * are set, since versions differ; an unknown one is ignored. */
static const struct setting huge_settings[] = {
    {HX_ALLOCATOR_GLIBC, "glibc.malloc.hugetlb=1"},
    {HX_ALLOCATOR_MIMALLOC, "MIMALLOC_LARGE_OS_PAGES=1"},
    {HX_ALLOCATOR_MIMALLOC, "MIMALLOC_ALLOW_LARGE_OS_PAGES=1"},
    {HX_ALLOCATOR_JEMALLOC, "thp:always"},
};

/* tuning=keep: memory that was had once stays, so that no figure of arm keep holds a new page. */
static const struct setting keep_settings[] = {
    {HX_ALLOCATOR_GLIBC, "glibc.malloc.trim_threshold=17179869184"},
    {HX_ALLOCATOR_GLIBC, "glibc.malloc.mmap_threshold=17179869184"},
    {HX_ALLOCATOR_GLIBC, "glibc.malloc.top_pad=67108864"},
    {HX_ALLOCATOR_MIMALLOC, "MIMALLOC_ALLOW_DECOMMIT=0"},
    {HX_ALLOCATOR_MIMALLOC, "MIMALLOC_PAGE_RESET=0"},
    {HX_ALLOCATOR_MIMALLOC, "MIMALLOC_PURGE_DELAY=-1"},
    {HX_ALLOCATOR_JEMALLOC, "dirty_decay_ms:-1"},
    {HX_ALLOCATOR_JEMALLOC, "muzzy_decay_ms:-1"},
    {HX_ALLOCATOR_TCMALLOC, "TCMALLOC_RELEASE_RATE=0"},
};

/* Names that come from the caller: where programs and libraries lie, and the harness's own switches for tests. */
static bool inherited(const char *assignment) {
    static const char *const prefixes[] = {"PATH=", "LD_LIBRARY_PATH=", "HX_", "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "TSAN_OPTIONS="};
    for (size_t i = 0; i < HX_COUNT_OF(prefixes); i++) {
        if (strncmp(assignment, prefixes[i], strlen(prefixes[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* Assignments one behind the other, each with its terminator; offsets become pointers at the end. */
struct block {
    struct hx_buffer bytes;
    size_t count;
};

static void block_add(struct block *block, const char *assignment) {
    hx_buffer_add(&block->bytes, assignment, strlen(assignment) + 1);
    block->count++;
}

/* glibc and jemalloc take all their options in one variable. */
static void add_joined(struct block *block, const char *name, char separator, const struct hx_buffer *parts) {
    if (parts->size_bytes == 0) {
        return;
    }
    char *assignment = hx_print("%s=%s", name, parts->data);
    size_t length = strlen(assignment);
    if (assignment[length - 1] == separator) {
        assignment[length - 1] = '\0';
    }
    block_add(block, assignment);
    free(assignment);
}

static void apply(struct block *block, struct hx_buffer *tunables, struct hx_buffer *conf, enum hx_allocator_kind kind,
                  const struct setting *settings, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (settings[i].kind != kind) {
            continue;
        }
        if (kind == HX_ALLOCATOR_GLIBC) {
            hx_buffer_print(tunables, "%s:", settings[i].text);
        } else if (kind == HX_ALLOCATOR_JEMALLOC) {
            hx_buffer_print(conf, "%s,", settings[i].text);
        } else {
            block_add(block, settings[i].text);
        }
    }
}

static const char **block_finish(struct block *block) {
    size_t table_bytes = (block->count + 1) * sizeof(char *);
    char *memory = hx_alloc(table_bytes + block->bytes.size_bytes);
    char *text = memory + table_bytes;
    if (block->bytes.size_bytes != 0) {
        memcpy(text, block->bytes.data, block->bytes.size_bytes);
    }
    const char **table = (const char **)(void *)memory;
    for (size_t i = 0; i < block->count; i++) {
        table[i] = text;
        text += strlen(text) + 1;
    }
    hx_buffer_free(&block->bytes);
    return table;
}

const char **hx_environment(const struct hx_cell *cell, enum hx_allocator_kind kind, const char *preload, size_t pad_bytes) {
    struct block block = {0};
    struct hx_buffer tunables = {0}, conf = {0};
    block_add(&block, "LC_ALL=C");
    for (char **p = environ; p != NULL && *p != NULL; p++) {
        if (inherited(*p)) {
            block_add(&block, *p);
        }
    }
    if (preload != NULL) {
        char *assignment = hx_print("LD_PRELOAD=%s", preload);
        block_add(&block, assignment);
        free(assignment);
    }
    if (cell->pages == HX_PAGES_HUGE) {
        apply(&block, &tunables, &conf, kind, huge_settings, HX_COUNT_OF(huge_settings));
    }
    if (strstr(cell->options, "tuning=keep") != NULL) {
        apply(&block, &tunables, &conf, kind, keep_settings, HX_COUNT_OF(keep_settings));
    }
    add_joined(&block, "GLIBC_TUNABLES", ':', &tunables);
    add_joined(&block, "MALLOC_CONF", ',', &conf);
    hx_buffer_free(&tunables);
    hx_buffer_free(&conf);
    if (pad_bytes != 0) {
        struct hx_buffer pad = {0};
        hx_buffer_print(&pad, "HX_PAD=");
        for (size_t i = 0; i < pad_bytes; i++) {
            hx_buffer_add(&pad, "x", 1);
        }
        block_add(&block, pad.data);
        hx_buffer_free(&pad);
    }
    return block_finish(&block);
}

const char **hx_backend_environment(const struct hx_cell *cell, const struct hx_backend *backend, size_t pad_bytes) {
    struct hx_cell as_it_runs = *cell;
    if (backend->memory != backend->allocator) {
        HX_CHECK(hx_copy(as_it_runs.options, sizeof as_it_runs.options, "tuning=keep"));
    }
    return hx_environment(&as_it_runs, backend->memory, backend->preload_path, pad_bytes);
}
