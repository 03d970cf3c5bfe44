/* hx_options.c - see hx_options.h. */
#include "driver/hx_options.h"

#include "record/hx_words.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char hx_options_help[] =
    "usage: arenabench [quick|full|list|doctor|help] [OPTIONS]      without a verb: quick\n"
    "\n"
    "  quick   measure the headline cells of three workloads\n"
    "  full    measure everything this build can run\n"
    "  list    scenarios, backends and arms of this build\n"
    "  doctor  what this machine is, and whether figures from it can be trusted; exit 0, or 4 when it is unfit\n"
    "\n"
    "  --scenario GLOB --backend GLOB --arm GLOB   fnmatch patterns, several joined by commas\n"
    "  --threads LIST   thread counts, as taskset writes lists (1)\n"
    "  --reps N         processes of the time pass for each cell (quick 6, full 7)\n"
    "  --seed N         order of the processes and all random data (1)\n"
    "  --aa N           percent of the cells whose time pass runs twice as the same program (quick 0, full 5)\n"
    "  --cpus LIST      processors to run on, as taskset writes lists\n"
    "  --pages 4k|huge|both   (both)\n"
    "  --scale F        0.01 to 100: multiplies the work of a process (1)\n"
    "  --events LIST    libpfm4 event names, joined by commas, in place of the standard groups\n"
    "  --input FILE     data for scenarios that read some; may be repeated\n"
    "  --litter O,M,S   age each malloc first: share kept 0-1, times the live bytes, seed (0.95,20,1)\n"
    "  --allocator NAME=LIB   another malloc, preloaded; may be repeated\n"
    "  --profile quick|full   the other profile's cells and repetitions\n"
    "  --out DIR        an absent or empty folder (results/runs/<time>-<profile>)\n"
    "  --resume DIR     go on with an interrupted run\n"
    "  --workers DIR    folder of the worker-* programs (this program's own)\n"
    "  --json           list and doctor: JSON on stdout\n"
    "  --tune [-- CMD ARGS]   doctor, as root: set governor, boost, ASLR, huge pages and what else disturbs; run CMD, or wait for a\n"
    "                   signal; then put everything back as it was, whatever happened\n"
    "  --restore        doctor: put back what a --tune that was killed has left\n"
    "  --root DIR       doctor: the machine whose files are below DIR (/)\n"
    "\n"
    "exit: 0 good, 4 machine unfit (doctor), 5 error or bad input, 128 + signal interrupted\n";

enum option_code {
    OPTION_SCENARIO = 256,
    OPTION_BACKEND,
    OPTION_ARM,
    OPTION_THREADS,
    OPTION_REPS,
    OPTION_SEED,
    OPTION_AA,
    OPTION_CPUS,
    OPTION_PAGES,
    OPTION_SCALE,
    OPTION_EVENTS,
    OPTION_INPUT,
    OPTION_LITTER,
    OPTION_OUT,
    OPTION_RESUME,
    OPTION_ALLOCATOR,
    OPTION_PROFILE,
    OPTION_WORKERS,
    OPTION_JSON,
    OPTION_NO_INSTALL,
    OPTION_TUNE,
    OPTION_RESTORE,
    OPTION_ROOT,
    OPTION_HELP,
};

static const struct option long_options[] = {
    {"scenario", required_argument, NULL, OPTION_SCENARIO},
    {"backend", required_argument, NULL, OPTION_BACKEND},
    {"arm", required_argument, NULL, OPTION_ARM},
    {"threads", required_argument, NULL, OPTION_THREADS},
    {"reps", required_argument, NULL, OPTION_REPS},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"aa", required_argument, NULL, OPTION_AA},
    {"cpus", required_argument, NULL, OPTION_CPUS},
    {"pages", required_argument, NULL, OPTION_PAGES},
    {"scale", required_argument, NULL, OPTION_SCALE},
    {"events", required_argument, NULL, OPTION_EVENTS},
    {"input", required_argument, NULL, OPTION_INPUT},
    {"litter", required_argument, NULL, OPTION_LITTER},
    {"out", required_argument, NULL, OPTION_OUT},
    {"resume", required_argument, NULL, OPTION_RESUME},
    {"allocator", required_argument, NULL, OPTION_ALLOCATOR},
    {"profile", required_argument, NULL, OPTION_PROFILE},
    {"workers", required_argument, NULL, OPTION_WORKERS},
    {"json", no_argument, NULL, OPTION_JSON},
    {"no-install", no_argument, NULL, OPTION_NO_INSTALL},
    {"tune", no_argument, NULL, OPTION_TUNE},
    {"restore", no_argument, NULL, OPTION_RESTORE},
    {"root", required_argument, NULL, OPTION_ROOT},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static char *valid_options(void) {
    struct hx_buffer text = {0};
    for (size_t i = 0; long_options[i].name != NULL; i++) {
        hx_buffer_print(&text, "%s--%s", i == 0 ? "" : " ", long_options[i].name);
    }
    return text.data;
}

static bool parse_verb(const char *word, enum hx_verb *out, struct hx_error *error) {
    static const char *const names[] = {"quick", "full", "list", "doctor", "help"};
    for (size_t i = 0; i < HX_COUNT_OF(names); i++) {
        if (strcmp(names[i], word) == 0) {
            *out = (enum hx_verb)i;
            return true;
        }
    }
    return hx_fail(error, "unknown verb %s (quick, full, list, doctor, help)", word);
}

static bool parse_threads(const char *text, struct hx_settings *out, struct hx_error *error) {
    if (!hx_parse_list(text, out->threads, HX_THREADS_MAX, &out->thread_count)) {
        return hx_fail(error, "--threads %s: want counts from 1 as a list, such as 1,2 or 1-4", text);
    }
    for (size_t i = 0; i < out->thread_count; i++) {
        if (out->threads[i] == 0) {
            return hx_fail(error, "--threads %s: 0 is no number of threads", text);
        }
    }
    out->eight_at_two = false;
    return true;
}

static bool parse_pages(const char *text, struct hx_settings *out, struct hx_error *error) {
    bool both = strcmp(text, "both") == 0;
    enum hx_pages one = HX_PAGES_4K;
    if (!both && !hx_pages_from_name(text, &one)) {
        return hx_fail(error, "--pages %s: unknown page mode (4k, huge, both)", text);
    }
    for (unsigned i = 0; i < HX_PAGES_COUNT; i++) {
        out->pages[i] = both || i == (unsigned)one;
    }
    return true;
}

static bool parse_reps(const char *text, struct hx_settings *out, struct hx_error *error) {
    uint64_t reps = 0;
    if (!hx_parse_u64(text, &reps) || reps < 1 || reps > 10000) {
        return hx_fail(error, "--reps %s: want a number of processes, 1 to 10000", text);
    }
    out->reps[HX_PASS_TIME] = (unsigned)reps;
    return true;
}

static bool parse_scale(const char *text, struct hx_settings *out, struct hx_error *error) {
    double scale = 0;
    if (!hx_parse_double(text, &scale) || scale < 0.01 || scale > 100) {
        return hx_fail(error, "--scale %s: want a factor, 0.01 to 100", text);
    }
    out->scale = scale;
    return true;
}

/* "O,M,S": share of the litter that stays, its amount in multiples of the scenario's live bytes, seed. */
static bool check_litter(const char *text, struct hx_error *error) {
    char *copy = hx_dup(text);
    char *rest = NULL;
    const char *part[3] = {strtok_r(copy, ",", &rest), strtok_r(NULL, ",", &rest), strtok_r(NULL, ",", &rest)};
    double occupancy = 0, multiplier = 0;
    uint64_t seed = 0;
    bool good = part[0] != NULL && part[1] != NULL && part[2] != NULL && strtok_r(NULL, ",", &rest) == NULL &&
                hx_parse_double(part[0], &occupancy) && hx_parse_double(part[1], &multiplier) && hx_parse_u64(part[2], &seed) &&
                occupancy >= 0 && occupancy <= 1 && multiplier > 0 && multiplier <= 1000;
    free(copy);
    return good || hx_fail(error, "--litter %s: want occupancy,multiplier,seed: 0 to 1, above 0 to 1000, a whole number, such as 0.95,20,1", text);
}

static bool check_input(const char *path, struct hx_error *error) {
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        hx_fail(error, "--input %s: %s", path, strerror(errno));
    } else if (!S_ISREG(info.st_mode)) {
        hx_fail(error, "--input %s: not a file", path);
    } else if (info.st_size == 0) {
        hx_fail(error, "--input %s: the file is empty", path);
    } else {
        (void)close(fd);
        return true;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return false;
}

static bool add_input(const char *path, struct hx_options *out, struct hx_error *error) {
    if (out->input_count == HX_INPUTS_MAX) {
        return hx_fail(error, "--input %s: more than %d files", path, HX_INPUTS_MAX);
    }
    out->input[out->input_count++] = path;
    return check_input(path, error);
}

static bool add_allocator(const char *text, struct hx_options *out, struct hx_error *error) {
    if (out->asked_count == HX_ASKED_MALLOCS_MAX) {
        return hx_fail(error, "--allocator %s: more than %d", text, HX_ASKED_MALLOCS_MAX);
    }
    return hx_allocator_parse(text, &out->asked[out->asked_count++], error);
}

static bool parse_seed(const char *text, uint64_t *out, struct hx_error *error) {
    return hx_parse_u64(text, out) || hx_fail(error, "--seed %s: want a whole number from 0 to 2^64 - 1", text);
}

static bool parse_aa(const char *text, struct hx_settings *out, struct hx_error *error) {
    uint64_t percent = 0;
    if (!hx_parse_u64(text, &percent) || percent > 100) {
        return hx_fail(error, "--aa %s: want a share of the cells in percent, 0 to 100", text);
    }
    out->aa_percent = (unsigned)percent;
    return true;
}

static bool parse_cpus(const char *text, const char **out, struct hx_error *error) {
    unsigned numbers[1024];
    size_t count = 0;
    *out = text;
    return hx_parse_list(text, numbers, HX_COUNT_OF(numbers), &count) ||
           hx_fail(error, "--cpus %s: want processors as taskset lists them, such as 0,2-5", text);
}

static bool set_word(const char *option, const char *text, const char **out, struct hx_error *error) {
    *out = text;
    return text[0] != '\0' || hx_fail(error, "%s: empty", option);
}

static bool apply(int option, const char *text, struct hx_options *out, struct hx_error *error) {
    struct hx_settings *settings = &out->settings;
    switch (option) {
    case OPTION_SCENARIO:
        return set_word("--scenario", text, &settings->scenario, error);
    case OPTION_BACKEND:
        return set_word("--backend", text, &settings->backend, error);
    case OPTION_ARM:
        return set_word("--arm", text, &settings->arm, error);
    case OPTION_THREADS:
        return parse_threads(text, settings, error);
    case OPTION_REPS:
        return parse_reps(text, settings, error);
    case OPTION_SEED:
        return parse_seed(text, &settings->seed, error);
    case OPTION_AA:
        return parse_aa(text, settings, error);
    case OPTION_CPUS:
        return parse_cpus(text, &out->cpus, error);
    case OPTION_PAGES:
        return parse_pages(text, settings, error);
    case OPTION_SCALE:
        return parse_scale(text, settings, error);
    case OPTION_EVENTS:
        return set_word("--events", text, &out->events, error);
    case OPTION_INPUT:
        return add_input(text, out, error);
    case OPTION_LITTER:
        out->litter = text;
        settings->litter = true;
        return check_litter(text, error);
    case OPTION_OUT:
        return set_word("--out", text, &out->out, error);
    case OPTION_RESUME:
        return set_word("--resume", text, &out->resume, error);
    case OPTION_ALLOCATOR:
        return add_allocator(text, out, error);
    case OPTION_WORKERS:
        return set_word("--workers", text, &out->workers, error);
    case OPTION_ROOT:
        return set_word("--root", text, &out->root, error);
    default:
        return hx_fail(error, "option %d has no action", option);
    }
}

/* The profile decides the defaults that the other options change, so it is looked for first. */
static bool find_profile(int argc, char **argv, int first, enum hx_profile *out, struct hx_error *error) {
    for (int i = first; i < argc; i++) {
        const char *value = NULL;
        if (strcmp(argv[i], "--profile") == 0 && i + 1 < argc) {
            value = argv[i + 1];
        } else if (strncmp(argv[i], "--profile=", 10) == 0) {
            value = argv[i] + 10;
        }
        enum hx_profile found = HX_PROFILE_QUICK;
        if (value != NULL && (!hx_profile_from_name(value, &found) || found == HX_PROFILE_GATE)) {
            return hx_fail(error, "--profile %s: unknown profile (quick, full)", value);
        }
        *out = value != NULL ? found : *out;
    }
    return true;
}

/* getopt_long takes --js for --json; run.sh, which has to see some options too, does not. So only whole names are options. */
static bool whole_name(const char *word, int code) {
    for (size_t i = 0; long_options[i].name != NULL; i++) {
        size_t length = strlen(long_options[i].name);
        if (long_options[i].val == code) {
            return strncmp(word, "--", 2) == 0 && strncmp(word + 2, long_options[i].name, length) == 0 &&
                   (word[2 + length] == '\0' || word[2 + length] == '=');
        }
    }
    return false;
}

static bool fail_option(const char *word, int code, struct hx_error *error) {
    if (code == ':') {
        return hx_fail(error, "option %s needs a value", word);
    }
    char *choices = valid_options();
    hx_fail(error, "unknown option %s (%s)", word, choices);
    free(choices);
    return false;
}

/* What --tune, --restore and --root go with, and the command behind "--". */
static bool check_doctor(int argc, char **argv, struct hx_options *out, struct hx_error *error) {
    const char *mine = out->tune ? "--tune" : out->restore ? "--restore" : out->root != NULL ? "--root" : NULL;
    if (mine != NULL && out->verb != HX_VERB_DOCTOR && out->verb != HX_VERB_HELP) {
        return hx_fail(error, "%s goes with the verb doctor alone", mine);
    }
    if (out->tune && out->restore) {
        return hx_fail(error, "--tune and --restore exclude each other");
    }
    if ((out->tune || out->restore) && out->json) {
        return hx_fail(error, "--json does not go with %s: stdout is the command's", mine);
    }
    out->root = out->root != NULL ? out->root : "/";
    if (optind == argc) {
        return true;
    }
    if (!out->tune || strcmp(argv[optind - 1], "--") != 0) {
        return hx_fail(error, "unexpected word %s (options start with --; the verb comes first%s)", argv[optind],
                       out->tune ? "; a command to run while tuned comes after a --" : "");
    }
    out->command = argv + optind;
    return true;
}

bool hx_options_parse(int argc, char **argv, struct hx_options *out, struct hx_error *error) {
    memset(out, 0, sizeof *out);
    int first = 1;
    if (argc > 1 && argv[1][0] != '-') {
        if (!parse_verb(argv[1], &out->verb, error)) {
            return false;
        }
        first = 2;
    }
    enum hx_profile profile = out->verb == HX_VERB_FULL ? HX_PROFILE_FULL : HX_PROFILE_QUICK;
    if (!find_profile(argc, argv, first, &profile, error)) {
        return false;
    }
    hx_settings_default(profile, &out->settings);
    const char *other = NULL; /* an option that --resume does not go with */
    optind = first;
    opterr = 0;
    for (;;) {
        int at = optind;
        int code = getopt_long(argc, argv, "+:", long_options, NULL);
        if (code == -1) {
            break;
        }
        if (code == '?' || code == ':' || !whole_name(argv[at], code)) {
            return fail_option(argv[at], code == ':' ? ':' : '?', error);
        }
        if (code == OPTION_HELP) {
            out->verb = HX_VERB_HELP;
        } else if (code == OPTION_JSON) {
            out->json = true;
        } else if (code == OPTION_TUNE || code == OPTION_RESTORE) {
            *(code == OPTION_TUNE ? &out->tune : &out->restore) = true;
        } else if (code != OPTION_NO_INSTALL && code != OPTION_PROFILE && !apply(code, optarg, out, error)) {
            return false;
        }
        if (code != OPTION_RESUME && code != OPTION_JSON && code != OPTION_NO_INSTALL && code != OPTION_HELP) {
            other = argv[at];
        }
    }
    if (!check_doctor(argc, argv, out, error)) {
        return false;
    }
    if (out->resume != NULL && other != NULL) {
        return hx_fail(error, "%s does not go with --resume: plan, seed and settings are those of the interrupted run", other);
    }
    return true;
}
