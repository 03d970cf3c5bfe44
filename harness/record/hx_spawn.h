/* hx_spawn.h - starts one fresh process, sleeps until it ends, and hands back everything it said.
 *
 * Why: one process is one observation, so driver and gate must start workers in exactly the same way: a short fixed environment,
 * default signals, fd 3 for the observation, nothing else inherited. Waiting is one poll() on a pidfd and the pipes: the caller
 * burns no CPU beside the worker. A stop descriptor (see hx_interrupt.h) ends the wait at once and kills the process group.
 *
 * The child dies with its parent (PR_SET_PDEATHSIG), so a killed driver leaves no worker behind. */
#ifndef HX_SPAWN_H
#define HX_SPAWN_H

#include "record/hx_allocator.h"
#include "record/hx_catalogue.h"
#include "record/hx_cell.h"
#include "record/hx_error.h"

enum hx_ending {
    HX_ENDED_EXIT,    /* `code` is the exit code */
    HX_ENDED_SIGNAL,  /* `code` is the signal */
    HX_ENDED_TIMEOUT, /* killed by us after timeout_ms */
    HX_ENDED_STOPPED, /* killed by us: the stop descriptor became readable */
};

/* What to start. Everything is borrowed for the length of the call. */
struct hx_spawn {
    const char *const *argv;        /* NULL-terminated; argv[0] is the program's path */
    const char *const *environment; /* NULL-terminated "NAME=value"; NULL = empty. See hx_environment */
    unsigned timeout_ms;            /* 0 = none */
    int stop_fd;                    /* readable = stop now; -1 = none */
    bool no_aslr;                   /* for counting under callgrind; timed runs keep ASLR on */
};

/* How it ended and what it said. The texts are terminated, never NULL after success. */
struct hx_spawned {
    enum hx_ending ending;
    int code;
    char *observation; /* fd 3 */
    char *output;      /* stdout, at most 16 MiB */
    char *errors;      /* stderr, at most 64 KiB */
    uint64_t wall_ns;
};

/* Runs it to its end. False only when it could not be started or waited for (one line in error). */
bool hx_spawn(const struct hx_spawn *what, struct hx_spawned *out, struct hx_error *error);
void hx_spawned_free(struct hx_spawned *spawned);

/* "killed by SIGSEGV", "exit 5", "timed out", "stopped", in a static or caller-owned buffer of at least 64 bytes. */
const char *hx_spawned_say(const struct hx_spawned *spawned, char *buffer, size_t capacity_bytes);

/* The environment of a worker, NULL-terminated, in one block of fresh memory (free() it):
 * PATH, LC_ALL, LD_LIBRARY_PATH and HX_* from the caller; LD_PRELOAD when `preload` is not NULL; the options of a malloc of
 * this kind for the cell's page mode and for options tuning=keep; HX_PAD of pad_bytes (the gate moves the stack with it; 0 = none). */
const char **hx_environment(const struct hx_cell *cell, enum hx_allocator_kind kind, const char *preload, size_t pad_bytes);

/* The same for a backend of the catalogue. A backend that takes chunks from a malloc gets that malloc's options, tuning=keep among
 * them always: it is compared with warm arenas, not with page faults. */
const char **hx_backend_environment(const struct hx_cell *cell, const struct hx_backend *backend, size_t pad_bytes);

#endif
