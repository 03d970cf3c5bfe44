/* hx_job.c - see hx_job.h. */
#include "worker/hx_job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

void *sc_keep(size_t bytes) {
    return hx_map_or_die(bytes, "memory for the scenario's plan");
}

/* ---- choosing what to run -------------------------------------------------------------------------------------------- */

static const struct hx_backend_arm *find_arm(const struct hx_ask *ask) {
    bool name_found = hx_glue_any_name;
    for (size_t i = 0; i < hx_glue_arm_count; i++) {
        const struct hx_backend_arm *arm = &hx_glue_arms[i];
        bool same = hx_glue_any_name || strcmp(arm->backend, ask->backend) == 0;
        name_found = name_found || same;
        if (!same || strcmp(arm->arm, ask->arm) != 0) {
            continue;
        }
        if (arm->absent != NULL) {
            hx_die("arm \"%s\" of backend \"%s\" is absent: %s", ask->arm, ask->backend, arm->absent);
        }
        return arm;
    }
    char choices[512];
    size_t used = 0;
    choices[0] = '\0';
    for (size_t i = 0; i < hx_glue_arm_count && used < sizeof choices - 64; i++) {
        const char *word = name_found ? hx_glue_arms[i].arm : hx_glue_arms[i].backend;
        bool skip = name_found ? !hx_glue_any_name && strcmp(hx_glue_arms[i].backend, ask->backend) != 0
                               : i > 0 && strcmp(hx_glue_arms[i - 1].backend, word) == 0;
        if (!skip) {
            used += (size_t)snprintf(choices + used, sizeof choices - used, "%s%s", used == 0 ? "" : ", ", word);
        }
    }
    if (name_found) {
        hx_die("unknown arm \"%s\" of backend \"%s\": choose one of %s", ask->arm, ask->backend, choices);
    }
    hx_die("unknown backend \"%s\" in %s: choose one of %s", ask->backend, hx_glue_worker, choices);
}

static void find_code(struct hx_job *job, const char *form) {
    char choices[512];
    size_t used = 0;
    choices[0] = '\0';
    for (size_t i = 0; i < sc_table_count; i++) {
        const struct sc_code *code = sc_table[i];
        if (strcmp(code->info->name, job->ask->scenario) == 0 && strcmp(code->form, form) == 0) {
            job->code[code->probe] = code;
            job->scenario = code->info;
        }
        bool first_of_name = i == 0 || strcmp(sc_table[i - 1]->info->name, code->info->name) != 0;
        if (first_of_name && used < sizeof choices - 64) {
            used += (size_t)snprintf(choices + used, sizeof choices - used, "%s%s", used == 0 ? "" : ", ", code->info->name);
        }
    }
    if (job->scenario == NULL) {
        hx_die("unknown scenario \"%s\": choose one of %s", job->ask->scenario, choices);
    }
}

/* ---- input ----------------------------------------------------------------------------------------------------------- */

static void read_input(const char *path, struct sc_input *out) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        hx_die("input \"%s\": %s", path, strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        hx_die("input \"%s\": not a regular file", path);
    }
    if (status.st_size == 0) {
        hx_die("input \"%s\": empty file", path);
    }
    out->path = path;
    out->size_bytes = (size_t)status.st_size;
    /* A copy: a file that shrinks while it is mapped would end the process with SIGBUS. */
    char *copy = hx_map_or_die(out->size_bytes, path);
    size_t got_bytes = 0;
    while (got_bytes < out->size_bytes) {
        ssize_t got = read(fd, copy + got_bytes, out->size_bytes - got_bytes);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            hx_die("input \"%s\": %s", path, got < 0 ? strerror(errno) : "became shorter while it was read");
        }
        got_bytes += (size_t)got;
    }
    close(fd);
    out->data = copy;
}

static void set_up(struct hx_job *job) {
    const struct hx_ask *ask = job->ask;
    struct sc_setup setup = {.scale = ask->scale, .seed = ask->seed};
    struct sc_input *input = NULL;
    if (job->scenario->needs_input) {
        if (ask->input_count == 0) {
            hx_die("scenario \"%s\" needs input: name at least one file", ask->scenario);
        }
        input = sc_keep(ask->input_count * sizeof *input);
        for (size_t i = 0; i < ask->input_count; i++) {
            read_input(ask->input[i], &input[i]);
        }
        setup.input_count = ask->input_count;
    }
    setup.input = input;
    job->plan = job->scenario->setup(&setup);
}

void hx_job_prepare(struct hx_job *job, const struct hx_ask *ask) {
    *job = (struct hx_job){.ask = ask};
    /* First thing, before anything that is measured maps memory. */
    if (!ask->huge_pages && prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0) {
        hx_die("pages=4k: the kernel refuses PR_SET_THP_DISABLE: %s", strerror(errno));
    }
    if (ask->threads != 1) {
        hx_die("threads=%u: this version of the worker runs 1 thread", ask->threads);
    }
    find_code(job, find_arm(ask)->form);
    if (ask->pu_count != 0) {
        int error = hx_pin_thread(ask->pu[0]);
        if (error != 0) {
            hx_die("cannot bind to PU %u: %s", ask->pu[0], strerror(error));
        }
        hx_pin_proof_take(&job->pin, ask->pu[0]);
    }
    set_up(job);
    job->block = sc_keep(ask->blocks * sizeof *job->block);
    job->probe = sc_keep(sizeof *job->probe);
    hx_probe_init(job->probe);
}

/* ---- backend and rehearsal ------------------------------------------------------------------------------------------- */

static void open_backend(struct hx_job *job) {
    const struct hx_ask *ask = job->ask;
    uint64_t cycles = ask->cycles_per_block * ask->blocks + 1;
    struct hx_open_args args = {.backend = ask->backend,
                                .arm = ask->arm,
                                .options = ask->options,
                                .huge_pages = ask->huge_pages,
                                .planned_bytes = job->cycle.padded_bytes * cycles};
    const char *why = hx_glue_open(&args, &job->env);
    if (why != NULL) {
        hx_die("backend \"%s\", arm \"%s\": %s", ask->backend, ask->arm, why);
    }
}

static void rehearse(struct hx_job *job, struct hx_cycle *out) {
    struct hx_probe *probe = job->probe;
    hx_probe_init(probe);
    struct sc_run run = {.env = job->env, .probe = probe};
    uint64_t checksum = job->code[HX_PROBE_CALLS]->cycles(&run, job->plan, 1);
    if (probe->live_bytes != 0) {
        hx_die("scenario \"%s\": %llu bytes live after its last scope", job->scenario->name,
               (unsigned long long)probe->live_bytes);
    }
    if (probe->ops == 0) {
        hx_die("scenario \"%s\": this input needs no allocation at all: there is nothing to measure", job->scenario->name);
    }
    *out = (struct hx_cycle){.ops = probe->ops,
                             .requested_bytes = probe->requested_bytes,
                             .padded_bytes = probe->padded_bytes,
                             .live_peak_bytes = probe->live_peak_bytes,
                             .requests = probe->requests,
                             .checksum = checksum,
                             .allocation_sum = probe->allocation_sum};
    hx_probe_init(probe);
}

void hx_job_rehearse_aside(struct hx_job *job) {
    struct hx_cycle *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        hx_die("cannot map memory for the rehearsal: %s", strerror(errno));
    }
    pid_t child = fork();
    if (child < 0) {
        hx_die("cannot fork for the rehearsal: %s", strerror(errno));
    }
    if (child == 0) {
        open_backend(job);
        rehearse(job, shared);
        _exit(0);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status)) {
        hx_die("the rehearsal was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        _exit(HX_EXIT_ERROR); /* the child has said why */
    }
    job->cycle = *shared;
    munmap(shared, sizeof *shared);
}

void hx_job_open(struct hx_job *job) {
    bool fill = strcmp(job->ask->arm, "keep") == 0;
    if (fill) {
        hx_job_rehearse_aside(job); /* the heap is filled once, by plan */
    }
    bool known = job->cycle.ops != 0;
    open_backend(job);
    if (!known) {
        rehearse(job, &job->cycle);
    }
    if (fill) {
        /* Copies of pages that the child shared, and the code's own pages, come now. */
        struct sc_run run = {.env = job->env, .probe = job->probe};
        (void)job->code[HX_PROBE_NONE]->cycles(&run, job->plan, 1);
    }
    hx_glue_position(job->env);
}

void hx_job_close(struct hx_job *job) {
    hx_glue_close(job->env);
    job->env = NULL;
}

/* ---- blocks ---------------------------------------------------------------------------------------------------------- */

static void reposition(struct hx_job *job) {
    if (!hx_glue_refills) {
        return;
    }
    struct hx_usage before, after;
    hx_usage_process(&before);
    hx_glue_position(job->env);
    hx_usage_process(&after);
    struct hx_usage took = hx_usage_difference(&before, &after);
    job->position_usage.faults_minor += took.faults_minor;
    job->position_usage.faults_major += took.faults_major;
}

void hx_job_block(struct hx_job *job, unsigned index, unsigned probe) {
    struct hx_block *block = &job->block[index];
    struct sc_run run = {.env = job->env, .probe = job->probe};
    const struct sc_code *code = job->code[probe];
    uint64_t refills_before = hx_glue_refills_now(job->env);
    uint64_t start_ns = hx_monotonic_ns();
    block->checksum = code->cycles(&run, job->plan, job->ask->cycles_per_block);
    block->time_ns = hx_monotonic_ns() - start_ns;
    block->refills = hx_glue_refills_now(job->env) - refills_before;
    if (index + 1 < job->ask->blocks) {
        reposition(job);
    }
}

void hx_job_verify(const struct hx_job *job) {
    for (unsigned i = 0; i < job->ask->blocks; i++) {
        const struct hx_block *block = &job->block[i];
        if (block->checksum != job->cycle.checksum) {
            hx_die("scenario \"%s\", backend \"%s\": what block %u built reads back differently from the rehearsal; the backend "
                   "gave out memory that was in use or not zeroed",
                   job->scenario->name, job->ask->backend, i);
        }
        if (hx_glue_refills && block->refills == 0 && strcmp(job->ask->arm, "fresh") == 0) {
            hx_die("scenario \"%s\", backend \"%s\": block %u took no refill, so it shows none of their price",
                   job->scenario->name, job->ask->backend, i);
        }
        if (block->refills != job->block[0].refills) {
            hx_die("scenario \"%s\", backend \"%s\": block %u took %llu refills and block 0 took %llu; blocks must be equal",
                   job->scenario->name, job->ask->backend, i, (unsigned long long)block->refills,
                   (unsigned long long)job->block[0].refills);
        }
    }
}
