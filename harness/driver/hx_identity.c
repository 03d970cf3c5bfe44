/* hx_identity.c - which machine, which versions, which builds: what a reader needs to believe or repeat a run. */
#include "driver/hx_drive.h"

#include "measure/hx_attest.h"
#include "measure/hx_topology.h"
#include "record/hx_elf.h"

#include <errno.h>
#include <gnu/libc-version.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

void hx_utc_now(bool compact, char out[32]) {
    time_t now = time(NULL);
    struct tm utc;
    (void)gmtime_r(&now, &utc);
    size_t length = strftime(out, 32, compact ? "%Y%m%dT%H%M%SZ" : "%Y-%m-%dT%H:%M:%SZ", &utc);
    HX_CHECK(length != 0);
}

char *hx_own_folder(void) {
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length > 0) {
        path[length] = '\0';
    } else if (realpath((const char *)getauxval(AT_EXECFN), path) == NULL) { /* /proc hidden: as it was called, not yet moved from there */
        hx_die("/proc/self/exe cannot be read (%s): name the workers' folder by --workers", strerror(errno));
    }
    char *slash = strrchr(path, '/');
    if (slash != NULL && slash != path) {
        *slash = '\0';
    }
    return hx_dup(path);
}

/* The build-id of the file, or null with a reason beside it. */
static void put_build_id(json_t *object, const char *path) {
    char id[HX_BUILD_ID_BYTES];
    if (hx_build_id(path, id)) {
        hx_tree_put(object, "build_id", hx_tree_word(id));
    } else {
        hx_tree_put(object, "build_id", json_null());
        hx_tree_put(object, "build_id_reason", hx_tree_word("the file has no build-id note"));
    }
}

struct libc_search {
    char path[PATH_MAX];
};

static int find_libc(struct dl_phdr_info *info, size_t size_bytes, void *self) {
    struct libc_search *search = self;
    (void)size_bytes;
    const char *slash = strrchr(info->dlpi_name, '/');
    return slash != NULL && strncmp(slash, "/libc.so", 8) == 0 && hx_copy(search->path, sizeof search->path, info->dlpi_name);
}

static json_t *library(const char *version, const char *reason) {
    json_t *object = json_object();
    hx_tree_put(object, "version", version != NULL ? hx_tree_word(version) : json_null());
    if (version == NULL) {
        hx_tree_put(object, "reason", hx_tree_word(reason));
    }
    return object;
}

json_t *hx_identity_versions(const struct hx_catalogue *catalogue) {
    json_t *versions = json_object();
    hx_tree_put(versions, "arenabench", library(HX_VERSION, NULL));
    hx_tree_put(versions, "protocol", library("1", NULL));
    hx_tree_put(versions, "compiler", library(HX_COMPILER, NULL));
    hx_tree_put(versions, "google_benchmark", library(HX_BENCHMARK_VERSION[0] != '\0' ? HX_BENCHMARK_VERSION : NULL, "CMake did not find it"));
    hx_tree_put(versions, "hwloc", library(hx_topology_library(), NULL));
    hx_tree_put(versions, "libpfm4", library(HX_PFM_VERSION[0] != '\0' ? HX_PFM_VERSION : NULL, "its header names no version"));
    hx_tree_put(versions, "jansson", library(JANSSON_VERSION, NULL));
    hx_tree_put(versions, "zstd", library(ZSTD_versionString(), NULL));
    json_t *libc = library(gnu_get_libc_version(), NULL);
    struct libc_search search = {.path = ""};
    (void)dl_iterate_phdr(find_libc, &search);
    put_build_id(libc, search.path);
    hx_tree_put(versions, "glibc", libc);
    for (size_t i = 0; i < catalogue->backend_count; i++) {
        const struct hx_backend *backend = &catalogue->backends[i];
        if (backend->preload_path != NULL) {
            /* A malloc's version is in its file name at best; the build-id is what names it. */
            const char *slash = strrchr(backend->preload_path, '/');
            json_t *malloc_library = library(slash != NULL ? slash + 1 : backend->preload_path, NULL);
            put_build_id(malloc_library, backend->preload_path);
            hx_tree_put(versions, backend->name, malloc_library);
        }
    }
    return versions;
}

void hx_identity_allocators(struct hx_attest *attest) {
    static const char *const known[] = {"mimalloc", "jemalloc", "tcmalloc"};
    char id[HX_BUILD_ID_BYTES];
    struct libc_search search = {.path = ""};
    (void)dl_iterate_phdr(find_libc, &search);
    (void)hx_attest_add(attest, "allocator_malloc", hx_build_id(search.path, id) ? id : NULL, "the file has no build-id note");
    for (size_t i = 0; i < HX_COUNT_OF(known); i++) {
        struct hx_allocator found;
        struct hx_error why = {{0}};
        char key[HX_ATTEST_KEY_BYTES];
        bool here = hx_allocator_find(known[i], &found, &why);
        (void)snprintf(key, sizeof key, "allocator_%s", known[i]);
        (void)hx_attest_add(attest, key, here && hx_build_id(found.path, id) ? id : NULL,
                            here ? "the file has no build-id note" : "not installed");
    }
}

void hx_identity_cores(struct hx_attest *attest) {
    const char *why = NULL;
    struct hx_topology *topology = hx_topology_load(&why);
    struct hx_topology_shape shape = {0};
    char value[16];
    if (topology != NULL) {
        hx_topology_shape(topology, &shape);
        why = "the topology shows no cores";
    }
    (void)snprintf(value, sizeof value, "%u", shape.cores);
    (void)hx_attest_add(attest, "cores", shape.cores != 0 ? value : NULL, why);
    hx_topology_free(topology);
}

json_t *hx_identity_workers(const struct hx_catalogue *catalogue) {
    json_t *workers = json_array();
    for (size_t i = 0; i < catalogue->worker_count; i++) {
        json_t *worker = json_object();
        hx_tree_put(worker, "name", hx_tree_word(catalogue->workers[i].name));
        hx_tree_put(worker, "version", hx_tree_word(catalogue->workers[i].version));
        put_build_id(worker, catalogue->workers[i].path);
        HX_CHECK(json_array_append_new(workers, worker) == 0);
    }
    return workers;
}

json_t *hx_identity_attestation(void) {
    struct hx_attest *attest = hx_alloc(sizeof *attest);
    hx_attest_read(attest, "/");
    hx_identity_cores(attest);
    json_t *object = json_object();
    for (size_t i = 0; i < attest->line_count; i++) {
        const struct hx_attest_line *line = &attest->line[i];
        json_t *entry = json_object();
        hx_tree_put(entry, "value", line->reason == NULL ? hx_tree_word(line->value) : json_null());
        hx_tree_put(entry, "reason", line->reason == NULL ? json_null() : hx_tree_word(line->reason));
        hx_tree_put(entry, "verdict", hx_tree_word(hx_verdict_name(line->verdict)));
        hx_tree_put(object, line->key, entry);
    }
    free(attest);
    return object;
}
