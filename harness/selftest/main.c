/* main.c - arenabench-selftest: does the instrument find what is known? Exit 0 all found, 1 a truth missed, 2 some could not be measured
 * here, 5 bad input or a process failed. */
#include "selftest/hx_selftest.h"

#include "measure/hx_topology.h"
#include "record/hx_interrupt.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REPS_DEFAULT = 12, REPS_MOST = 64, AA_CELLS_DEFAULT = 6, AA_CELLS_MOST = 24 };

static const char help[] =
    "usage: arenabench-selftest measure [OPTIONS]\n"
    "\n"
    "Plants known costs into a backend, measures them as anything else is measured, and says whether they were found again.\n"
    "\n"
    "  --part time|latency|pages|calls|aa   one part, or several joined by commas (all)\n"
    "  --reps N       rounds of the part time, 8 to 64 (12)\n"
    "  --aa-cells N   cells of the part aa, 1 to 24 (6)\n"
    "  --cpus LIST    processors, as taskset lists them; the first is used\n"
    "  --seed N       order of the processes (1)\n"
    "  --workers DIR  folder of the planted workers\n";

static const struct {
    const char *name;
    bool (*run)(struct hx_selftest *, struct hx_error *);
} parts[] = {{"time", hx_selftest_time},   {"latency", hx_selftest_latency}, {"pages", hx_selftest_pages},
             {"calls", hx_selftest_calls}, {"aa", hx_selftest_aa}};

struct wanted {
    const char *part, *cpus, *workers;
    uint64_t reps, aa_cells, seed;
};

static bool number(const char *option, const char *text, uint64_t least, uint64_t most, uint64_t *out, struct hx_error *error) {
    return (hx_parse_u64(text, out) && *out >= least && *out <= most) ||
           hx_fail(error, "%s %s: want a number from %llu to %llu", option, text, (unsigned long long)least, (unsigned long long)most);
}

static bool check_parts(const char *text, struct hx_error *error) {
    char *copy = hx_dup(text), *rest = NULL;
    bool good = text[0] != '\0';
    for (char *one = strtok_r(copy, ",", &rest); one != NULL && good; one = strtok_r(NULL, ",", &rest)) {
        good = false;
        for (size_t i = 0; i < HX_COUNT_OF(parts); i++) {
            good = good || strcmp(one, parts[i].name) == 0;
        }
    }
    free(copy);
    return good || hx_fail(error, "--part %s: unknown part (time, latency, pages, calls, aa)", text);
}

static bool parse(int argc, char **argv, struct wanted *out, struct hx_error *error) {
    static const struct option options[] = {{"part", required_argument, NULL, 'p'},     {"reps", required_argument, NULL, 'r'},
                                            {"aa-cells", required_argument, NULL, 'a'}, {"cpus", required_argument, NULL, 'c'},
                                            {"seed", required_argument, NULL, 's'},     {"workers", required_argument, NULL, 'w'},
                                            {NULL, 0, NULL, 0}};
    *out = (struct wanted){.reps = REPS_DEFAULT, .aa_cells = AA_CELLS_DEFAULT, .seed = 1};
    if (argc > 1 && argv[1][0] != '-' && strcmp(argv[1], "measure") != 0) {
        return hx_fail(error, "unknown part of the product %s (measure)", argv[1]);
    }
    bool good = true;
    optind = argc > 1 && argv[1][0] != '-' ? 2 : 1;
    opterr = 0;
    for (int code; good;) {
        int at = optind;
        if ((code = getopt_long(argc, argv, "+:", options, NULL)) == -1) {
            break;
        }
        switch (code) {
        case 'p': out->part = optarg; good = check_parts(optarg, error); break;
        case 'r': good = number("--reps", optarg, 8, REPS_MOST, &out->reps, error); break;
        case 'a': good = number("--aa-cells", optarg, 1, AA_CELLS_MOST, &out->aa_cells, error); break;
        case 'c': out->cpus = optarg; break;
        case 's': good = number("--seed", optarg, 0, UINT64_MAX, &out->seed, error); break;
        case 'w': out->workers = optarg; break;
        case ':': good = hx_fail(error, "option %s needs a value", argv[at]); break;
        default: good = hx_fail(error, "unknown option %s (--part --reps --aa-cells --cpus --seed --workers)", argv[at]); break;
        }
    }
    return good && (optind == argc || hx_fail(error, "unexpected word %s", argv[optind]));
}

static bool choose_pu(const char *cpus, unsigned *out, struct hx_error *error) {
    const char *why = NULL;
    struct hx_topology *topology = hx_topology_load(&why);
    if (topology == NULL) {
        return hx_fail(error, "the machine's topology cannot be read: %s", why);
    }
    static struct hx_pu_choice choice; /* large; guard: one thread */
    struct hx_pu_request request = {.cpus = cpus, .numa_node = -1, .want = 1};
    char message[256] = "";
    bool good = hx_topology_choose(topology, &request, &choice, message, sizeof message) == 0 || hx_fail(error, "--cpus: %s", message);
    *out = good ? choice.pu[0] : 0;
    hx_topology_free(topology);
    return good;
}

/* "selftest" beside this program. */
static char *own_folder(void) {
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0) {
        hx_die("/proc/self/exe cannot be read: name the workers' folder by --workers");
    }
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    *slash = '\0';
    return hx_print("%s/selftest", path);
}

static int run_parts(struct hx_selftest *self, const char *part) {
    struct hx_error error = {{0}};
    for (size_t i = 0; i < HX_COUNT_OF(parts); i++) {
        if (part != NULL && !hx_glob(part, parts[i].name)) {
            continue;
        }
        if (isatty(STDERR_FILENO)) {
            hx_warn("%s ...", parts[i].name);
        }
        if (!parts[i].run(self, &error)) {
            int signal_number = hx_interrupt_signal(self->stop_fd);
            if (error.line[0] != '\0' && signal_number == 0) {
                hx_warn("%s", error.line);
            }
            return signal_number != 0 ? 128 + signal_number : HX_EXIT_ERROR;
        }
    }
    return hx_truths_print(self);
}

int main(int argc, char **argv) {
    static const char iso[] = "/usr/share/iso-codes/json/iso_15924.json";
    struct wanted wanted;
    struct hx_error error = {{0}};
    hx_program_set("arenabench-selftest");
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        return fputs(help, stdout) < 0 ? HX_EXIT_ERROR : HX_EXIT_OK;
    }
    struct hx_selftest *self = hx_alloc(sizeof *self);
    int code = HX_EXIT_ERROR;
    if (!parse(argc, argv, &wanted, &error) || !choose_pu(wanted.cpus, &self->pu, &error) ||
        (self->stop_fd = hx_interrupt_open(&error)) < 0) {
        hx_warn("%s", error.line);
    } else {
        self->folder = wanted.workers != NULL ? hx_dup(wanted.workers) : own_folder();
        self->reps = (unsigned)wanted.reps;
        self->aa_cells = (unsigned)wanted.aa_cells;
        self->input = access(iso, R_OK) == 0 ? iso : NULL;
        hx_rng_init(&self->rng, wanted.seed);
        code = run_parts(self, wanted.part);
        free(self->folder);
    }
    free(self);
    return code;
}
