/* hx_catalogue.c - see hx_catalogue.h. Reading of one answer is in hx_catalogue_read.c. */
#include "record/hx_catalogue.h"

#include "record/hx_catalogue_read.h"
#include "record/hx_spawn.h"
#include "record/hx_tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIST_TIMEOUT_MS = 20000 }; /* a worker answers in milliseconds; a loaded machine in a second or two */

static const char *const profile_names[HX_PROFILE_COUNT] = {
    [HX_PROFILE_QUICK] = "quick", [HX_PROFILE_FULL] = "full", [HX_PROFILE_GATE] = "gate"};

const char *hx_profile_name(enum hx_profile profile) {
    HX_CHECK((unsigned)profile < HX_PROFILE_COUNT);
    return profile_names[profile];
}

bool hx_profile_from_name(const char *name, enum hx_profile *out) {
    for (unsigned i = 0; i < HX_PROFILE_COUNT; i++) {
        if (strcmp(profile_names[i], name) == 0) {
            *out = (enum hx_profile)i;
            return true;
        }
    }
    return false;
}

const struct hx_scenario *hx_catalogue_scenario(const struct hx_catalogue *catalogue, const char *name) {
    for (size_t i = 0; i < catalogue->scenario_count; i++) {
        if (strcmp(catalogue->scenarios[i].name, name) == 0) {
            return &catalogue->scenarios[i];
        }
    }
    return NULL;
}

const struct hx_backend *hx_catalogue_backend(const struct hx_catalogue *catalogue, const char *name) {
    for (size_t i = 0; i < catalogue->backend_count; i++) {
        if (strcmp(catalogue->backends[i].name, name) == 0) {
            return &catalogue->backends[i];
        }
    }
    return NULL;
}

/* Runs `path --list`; the answer is the caller's to free, NULL with one line on failure. */
static char *ask_worker(const char *path, enum hx_allocator_kind kind, const char *preload, struct hx_error *error) {
    const char *const argv[] = {path, "--list", NULL};
    struct hx_cell nothing = {.options = "-", .pages = HX_PAGES_4K};
    const char **environment = hx_environment(&nothing, kind, preload, 0);
    struct hx_spawn what = {.argv = argv, .environment = environment, .timeout_ms = LIST_TIMEOUT_MS, .stop_fd = -1};
    struct hx_spawned said;
    bool started = hx_spawn(&what, &said, error);
    free(environment);
    if (!started) {
        return NULL;
    }
    char *answer = NULL;
    char how[64];
    if (said.ending != HX_ENDED_EXIT || said.code != 0) {
        hx_fail(error, "%s --list: %s%s%s", path, hx_spawned_say(&said, how, sizeof how), said.errors[0] != '\0' ? ": " : "", said.errors);
    } else if (preload != NULL && strstr(said.errors, "ld.so") != NULL) {
        hx_fail(error, "%s cannot be preloaded: %s", preload, said.errors);
    } else {
        answer = hx_dup(said.output);
    }
    hx_spawned_free(&said);
    return answer;
}

static int is_worker(const struct dirent *entry) {
    return strncmp(entry->d_name, "worker-", 7) == 0 && strchr(entry->d_name, '.') == NULL;
}

static bool load_worker(const char *folder, const char *name, struct hx_catalogue *out, struct hx_error *error) {
    char *path = hx_print("%s/%s", folder, name);
    if (access(path, X_OK) != 0) {
        free(path);
        return true; /* a leftover that is no program */
    }
    char *answer = ask_worker(path, HX_ALLOCATOR_NONE, NULL, error);
    bool good = answer != NULL && hx_catalogue_read(answer, path, out, error);
    free(answer);
    free(path);
    return good;
}

/* malloc first, the preloaded and others between, the floor last; by name within one rank. */
static int backend_rank(const struct hx_backend *backend) {
    if (backend->allocator == HX_ALLOCATOR_GLIBC) {
        return 0;
    }
    if (backend->allocator != HX_ALLOCATOR_NONE) {
        return 1;
    }
    return strcmp(backend->name, "bump") == 0 ? 3 : 2;
}

static int compare_backends(const void *a, const void *b) {
    const struct hx_backend *x = a, *y = b;
    int difference = backend_rank(x) - backend_rank(y);
    return difference != 0 ? difference : strcmp(x->name, y->name);
}

static int compare_scenarios(const void *a, const void *b) {
    const struct hx_scenario *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static void sort(struct hx_catalogue *catalogue) {
    if (catalogue->backend_count != 0) {
        qsort(catalogue->backends, catalogue->backend_count, sizeof *catalogue->backends, compare_backends);
    }
    if (catalogue->scenario_count != 0) {
        qsort(catalogue->scenarios, catalogue->scenario_count, sizeof *catalogue->scenarios, compare_scenarios);
    }
}

bool hx_catalogue_load(const char *folder, struct hx_catalogue *out, struct hx_error *error) {
    *out = (struct hx_catalogue){0};
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_worker, alphasort);
    if (count < 0) {
        return hx_fail(error, "%s: %s", folder, strerror(errno));
    }
    bool good = true;
    for (int i = 0; i < count; i++) {
        good = good && load_worker(folder, entries[i]->d_name, out, error);
        free(entries[i]);
    }
    free(entries);
    if (good && out->worker_count == 0) {
        good = hx_fail(error, "%s: no worker-* program here; build them first (./run.sh build)", folder);
    }
    if (!good) {
        hx_catalogue_free(out);
        return false;
    }
    sort(out);
    return true;
}

/* A new backend with the arms and scenarios of plain malloc; NULL with one line when that cannot be. */
static struct hx_backend *copy_malloc(struct hx_catalogue *catalogue, const char *name, struct hx_error *error) {
    if (hx_catalogue_backend(catalogue, name) != NULL) {
        hx_fail(error, "the name %s is taken by another backend", name);
        return NULL;
    }
    if (hx_catalogue_backend(catalogue, "malloc") == NULL) {
        hx_fail(error, "%s runs in worker-malloc, which is not built", name);
        return NULL;
    }
    catalogue->backends = hx_grow(catalogue->backends, catalogue->backend_count + 1, sizeof *catalogue->backends);
    const struct hx_backend *model = hx_catalogue_backend(catalogue, "malloc"); /* looked up again: the table may have moved */
    struct hx_backend *made = &catalogue->backends[catalogue->backend_count++];
    *made = (struct hx_backend){.worker_path = model->worker_path, .allocator = HX_ALLOCATOR_OTHER, .memory = HX_ALLOCATOR_OTHER};
    HX_CHECK(hx_copy(made->name, sizeof made->name, name));
    made->arm_count = model->arm_count;
    made->arms = hx_alloc(model->arm_count * sizeof *made->arms);
    if (model->arm_count != 0) {
        memcpy(made->arms, model->arms, model->arm_count * sizeof *made->arms);
    }
    made->scenario_count = model->scenario_count;
    made->scenarios = hx_alloc(model->scenario_count * sizeof *made->scenarios);
    for (size_t i = 0; i < model->scenario_count; i++) {
        made->scenarios[i] = hx_dup(model->scenarios[i]);
    }
    return made;
}

bool hx_catalogue_add_malloc(struct hx_catalogue *catalogue, const struct hx_allocator *allocator, bool asked, struct hx_error *error) {
    const struct hx_backend *model = hx_catalogue_backend(catalogue, "malloc");
    if (model != NULL && hx_catalogue_backend(catalogue, allocator->name) == NULL) {
        /* The library must really load into the worker: the dynamic linker only warns when it does not. */
        char *answer = ask_worker(model->worker_path, allocator->kind, allocator->path, error);
        if (answer == NULL) {
            return false;
        }
        free(answer);
    }
    struct hx_backend *made = copy_malloc(catalogue, allocator->name, error);
    if (made == NULL) {
        return false;
    }
    made->allocator = allocator->kind;
    made->memory = allocator->kind;
    made->preload_path = hx_dup(allocator->path);
    made->asked = asked;
    sort(catalogue);
    return true;
}

bool hx_catalogue_add_missing(struct hx_catalogue *catalogue, const char *name, const char *reason, struct hx_error *error) {
    struct hx_backend *made = copy_malloc(catalogue, name, error);
    if (made == NULL) {
        return false;
    }
    made->missing = hx_dup(reason);
    sort(catalogue);
    return true;
}

static void free_strings(char **strings, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(strings[i]);
    }
    free(strings);
}

void hx_catalogue_free(struct hx_catalogue *catalogue) {
    for (size_t i = 0; i < catalogue->worker_count; i++) {
        free(catalogue->workers[i].path);
    }
    for (size_t i = 0; i < catalogue->backend_count; i++) {
        struct hx_backend *backend = &catalogue->backends[i];
        free_strings(backend->scenarios, backend->scenario_count);
        free(backend->arms);
        free(backend->preload_path);
        free(backend->missing);
        free(backend->threads_absent);
        free(backend->huge_absent);
    }
    for (size_t i = 0; i < catalogue->scenario_count; i++) {
        free(catalogue->scenarios[i].why);
        free(catalogue->scenarios[i].backends);
        free(catalogue->scenarios[i].arms);
        free_strings(catalogue->scenarios[i].default_input, catalogue->scenarios[i].default_input_count);
    }
    free(catalogue->workers);
    free(catalogue->backends);
    free(catalogue->scenarios);
    *catalogue = (struct hx_catalogue){0};
}
