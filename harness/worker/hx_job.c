/* hx_job.c - see hx_job.h. */
#include "worker/hx_job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worker/hx_litter.h"
#include "worker/hx_team.h"

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
        if (hx_glue_absent(arm) != NULL) {
            hx_die("arm \"%s\" of backend \"%s\" is absent: %s", ask->arm, ask->backend, hx_glue_absent(arm));
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

static void read_inputs(struct hx_job *job, struct sc_setup *setup) {
    const struct hx_ask *ask = job->ask;
    if (!job->scenario->needs_input) {
        return;
    }
    if (ask->input_count == 0) {
        hx_die("scenario \"%s\" needs input: name at least one file", ask->scenario);
    }
    struct sc_input *input = sc_keep(ask->input_count * sizeof *input);
    for (size_t i = 0; i < ask->input_count; i++) {
        read_input(ask->input[i], &input[i]);
    }
    setup->input = input;
    setup->input_count = ask->input_count;
}

/* Lane 0 does what a cell of one thread does; the others draw from seeds of their own. */
static uint64_t lane_seed(uint64_t seed, unsigned index) {
    return index == 0 ? seed : hx_checksum_word(hx_checksum_word(HX_CHECKSUM_INIT, seed), index);
}

/* An open loop's rate stands in the cell's options, where two cells of different rates are told apart; the rest is the backend's. */
static void take_rate(struct hx_job *job, struct sc_setup *setup) {
    static const char key[] = "rate=";
    const char *options = job->ask->options;
    job->backend_options = options;
    if (job->scenario->rate_per_s <= 0) {
        return; /* a rate where it means nothing is an option that no backend knows */
    }
    const char *at = strstr(options, key);
    while (at != NULL && at != options && at[-1] != ',') {
        at = strstr(at + 1, key);
    }
    if (at == NULL && job->ask->pass == HX_PASS_PLAN) {
        setup->rate_per_s = job->scenario->rate_per_s; /* what is built does not depend on it */
        return;
    }
    if (at == NULL) {
        hx_die("scenario \"%s\" is an open loop: its options must hold rate=N, requests a second", job->ask->scenario);
    }
    char digits[32] = "";
    size_t length = strcspn(at, ",");
    size_t skip = sizeof key - 1;
    if (length - skip < sizeof digits) {
        memcpy(digits, at + skip, length - skip);
    }
    if (!hx_parse_double(digits, &setup->rate_per_s) || setup->rate_per_s < 1 || setup->rate_per_s > 1e7) {
        hx_die("options \"%s\": rate must be a number of requests a second, 1 to 10000000", options);
    }
    size_t before = at == options ? 0 : (size_t)(at - options) - 1; /* without the comma */
    const char *after = at + length + (at[length] == ',' ? 1 : 0);
    char *rest = sc_keep(strlen(options) + 2);
    snprintf(rest, strlen(options) + 2, "%.*s%s%s", (int)before, options, before != 0 && *after != '\0' ? "," : "", after);
    job->backend_options = *rest != '\0' ? rest : "-";
}

void hx_job_prepare(struct hx_job *job, const struct hx_ask *ask) {
    *job = (struct hx_job){.ask = ask};
    /* First thing, before anything that is measured maps memory. */
    if (!ask->huge_pages && prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0) {
        hx_die("pages=4k: the kernel refuses PR_SET_THP_DISABLE: %s", strerror(errno));
    }
    find_code(job, find_arm(ask)->form);
    struct sc_setup setup = {.scale = ask->scale};
    read_inputs(job, &setup);
    take_rate(job, &setup);
    if (job->scenario->rate_per_s > 0 && (ask->pass == HX_PASS_TIME || ask->pass == HX_PASS_COUNTERS)) {
        hx_die("scenario \"%s\" is an open loop: pass %s would measure its schedule", ask->scenario, hx_pass_names[ask->pass]);
    }
    job->block = sc_keep(ask->blocks * sizeof *job->block);
    job->lane = sc_keep(ask->threads * sizeof *job->lane);
    job->lane[0] = (struct hx_lane){.job = job};
    hx_team_bind(&job->lane[0]);
    for (unsigned i = 0; i < ask->threads; i++) {
        struct hx_lane *lane = &job->lane[i];
        setup.seed = lane_seed(ask->seed, i);
        lane->job = job;
        lane->index = i;
        lane->plan = job->scenario->setup(&setup);
        lane->block = sc_keep(ask->blocks * sizeof *lane->block);
        lane->probe = sc_keep(sizeof *lane->probe);
        hx_probe_init(lane->probe);
    }
    hx_litter_prepare(job);
}
