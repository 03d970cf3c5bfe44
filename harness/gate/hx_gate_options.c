/* The command line of arenabench-gate. One table: an option is a row here and a case below. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gate/hx_gate.h"

enum option {
    OPT_BASE_BIN, OPT_HEAD_BIN, OPT_BASE_LABEL, OPT_HEAD_LABEL, OPT_TIER, OPT_SCENARIO, OPT_BACKEND, OPT_ARM, OPT_SEED,
    OPT_SCALE, OPT_CPUS, OPT_PAGES, OPT_INPUT, OPT_THREADS, OPT_ALLOCATOR, OPT_JSON, OPT_BUDGET, OPT_ONLY, OPT_INCONCLUSIVE, OPT_FITNESS, OPT_OUT, OPT_LOCK, OPT_NO_LOCK, OPT_HELP,
    OPT_NONE,
};

static const struct {
    const char *name;
    enum option option;
    bool flag; /* takes no value */
} options[] = {
    {"--base-bin", OPT_BASE_BIN, false},   {"--head-bin", OPT_HEAD_BIN, false}, {"--base-label", OPT_BASE_LABEL, false},
    {"--head-label", OPT_HEAD_LABEL, false}, {"--tier", OPT_TIER, false},       {"--scenario", OPT_SCENARIO, false},
    {"--backend", OPT_BACKEND, false},     {"--arm", OPT_ARM, false},           {"--seed", OPT_SEED, false},
    {"--scale", OPT_SCALE, false},         {"--cpus", OPT_CPUS, false},         {"--pages", OPT_PAGES, false},
    {"--input", OPT_INPUT, false},         {"--budget", OPT_BUDGET, false},     {"--only", OPT_ONLY, false},
    {"--inconclusive", OPT_INCONCLUSIVE, false}, {"--fitness", OPT_FITNESS, false}, {"--out", OPT_OUT, false},     {"--lock", OPT_LOCK, false},
    {"--threads", OPT_THREADS, false},     {"--allocator", OPT_ALLOCATOR, false}, {"--json", OPT_JSON, true},
    {"--no-lock", OPT_NO_LOCK, true},      {"--help", OPT_HELP, true},
};

const char *hx_gate_usage(void)
{
    return "usage: arenabench-gate --base-bin DIR --head-bin DIR [OPTIONS]\n"
           "  --base-bin DIR --head-bin DIR   folders with the workers of the two builds\n"
           "  --base-label, --head-label TEXT how the report names them (base, head)\n"
           "  --tier strict|ci|coarse         margins d0/d1: 0.5/2 %, 1/4 % (default), 3/8 % and time_typical too\n"
           "  --scenario --backend --arm GLOB which cells\n"
           "  --only counts|times             one tier alone\n"
           "  --budget SECONDS                for the times; what is open then is inconclusive (default 600, 0 = none)\n"
           "  --inconclusive fail|warn        exit 2 (default), or 0 with the finding printed\n"
           "  --fitness check|skip            ask a canary whether times can be judged now (check)\n"
           "  --seed N --scale F --cpus LIST --threads LIST --pages 4k|huge --input FILE --allocator NAME=LIB\n"
           "  --json                          gate.json on stdout, the lines on stderr\n"
           "  --out DIR                       absent or empty; default results/runs/<time>-gate\n"
           "  --lock FILE, --no-lock          one measurement at a time (default build/.measure where build/ exists)\n"
           "exit: 0 no regression, 1 regression, 2 inconclusive, 3 not comparable, 4 machine unfit, 5 error, 128 + signal\n";
}

static enum option option_find(const char *word, size_t bytes, bool *flag)
{
    for (size_t i = 0; i < HX_COUNT_OF(options); i++) {
        if (strlen(options[i].name) == bytes && strncmp(options[i].name, word, bytes) == 0) {
            *flag = options[i].flag;
            return options[i].option;
        }
    }
    return OPT_NONE;
}

static bool choose(const char *name, const char *value, const char *yes, const char *no, bool *out, struct hx_error *error)
{
    if (strcmp(value, yes) != 0 && strcmp(value, no) != 0)
        return hx_fail(error, "%s \"%s\": choose %s or %s", name, value, yes, no);
    *out = strcmp(value, yes) == 0;
    return true;
}

static bool set_number(enum option option, const char *value, struct hx_gate_options *out, struct hx_error *error)
{
    switch (option) {
    case OPT_SEED:
        return hx_parse_u64(value, &out->settings.seed) ||
               hx_fail(error, "--seed \"%s\": a whole number from 0 to 18446744073709551615", value);
    case OPT_BUDGET:
        return (hx_parse_u64(value, &out->budget_s) && out->budget_s <= 86400) ||
               hx_fail(error, "--budget \"%s\": whole seconds, 0 to 86400 (0 = no limit)", value);
    default:
        return (hx_parse_double(value, &out->settings.scale) && out->settings.scale >= 0.01 && out->settings.scale <= 100) ||
               hx_fail(error, "--scale \"%s\": a number from 0.01 to 100", value);
    }
}

static bool set_choice(enum option option, const char *value, struct hx_gate_options *out, struct hx_error *error)
{
    bool first = false;

    switch (option) {
    case OPT_TIER:
        out->tier = hx_tier_find(value);
        return out->tier != NULL || hx_fail(error, "--tier \"%s\": choose %s", value, hx_tier_names());
    case OPT_PAGES:
        if (!choose("--pages", value, "4k", "huge", &first, error))
            return false;
        out->settings.pages[HX_PAGES_4K] = first;
        out->settings.pages[HX_PAGES_HUGE] = !first;
        return true;
    case OPT_ONLY:
        if (!choose("--only", value, "counts", "times", &first, error))
            return false;
        out->counts = first;
        out->times = !first;
        return true;
    case OPT_FITNESS: return choose("--fitness", value, "check", "skip", &out->fitness, error);
    default:
        return choose("--inconclusive", value, "fail", "warn", &out->inconclusive_fails, error);
    }
}

static bool option_set(enum option option, const char *value, struct hx_gate_options *out, struct hx_error *error)
{
    switch (option) {
    case OPT_BASE_BIN: out->bin[HX_SIDE_BASE] = value; return true;
    case OPT_HEAD_BIN: out->bin[HX_SIDE_HEAD] = value; return true;
    case OPT_BASE_LABEL: out->label[HX_SIDE_BASE] = value; return true;
    case OPT_HEAD_LABEL: out->label[HX_SIDE_HEAD] = value; return true;
    case OPT_SCENARIO: out->settings.scenario = value; return true;
    case OPT_BACKEND: out->settings.backend = value; return true;
    case OPT_ARM: out->settings.arm = value; return true;
    case OPT_CPUS: out->cpus = value; return true;
    case OPT_OUT: out->out = value; return true;
    case OPT_LOCK: out->lock = value; return true;
    case OPT_NO_LOCK: out->lock = NULL; return true;
    case OPT_INPUT:
        out->input = hx_grow(out->input, out->input_count + 1, sizeof *out->input);
        out->input[out->input_count++] = value;
        return true;
    case OPT_SEED:
    case OPT_BUDGET:
    case OPT_SCALE: return set_number(option, value, out, error);
    case OPT_ALLOCATOR:
        out->allocator = hx_grow(out->allocator, out->allocator_count + 1, sizeof *out->allocator);
        out->allocator[out->allocator_count++] = value;
        return true;
    case OPT_THREADS:
        return (hx_parse_list(value, out->settings.threads, HX_THREADS_MAX, &out->settings.thread_count) &&
                out->settings.threads[0] > 0) ||
               hx_fail(error, "--threads \"%s\": a list of numbers from 1, such as 1,2 or 1-4", value);
    case OPT_JSON: out->json = true; return true;
    case OPT_TIER:
    case OPT_PAGES:
    case OPT_ONLY:
    case OPT_FITNESS:
    case OPT_INCONCLUSIVE: return set_choice(option, value, out, error);
    case OPT_HELP:
    case OPT_NONE: break;
    }
    return true;
}

static void options_default(struct hx_gate_options *out)
{
    memset(out, 0, sizeof *out);
    hx_settings_default(HX_PROFILE_GATE, &out->settings);
    out->settings.pages[HX_PAGES_4K] = false;
    out->settings.pages[HX_PAGES_HUGE] = true;
    out->tier = hx_tier_find("ci");
    out->label[HX_SIDE_BASE] = "base";
    out->label[HX_SIDE_HEAD] = "head";
    out->lock = "";
    out->budget_s = 600;
    out->counts = out->times = out->fitness = true;
    out->inconclusive_fails = true;
}

static bool input_check(const char *path, struct hx_error *error)
{
    struct stat about;

    if (stat(path, &about) != 0)
        return hx_fail(error, "--input %s: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode) || about.st_size == 0)
        return hx_fail(error, "--input %s: %s", path, S_ISREG(about.st_mode) ? "the file is empty" : "not a regular file");
    return access(path, R_OK) == 0 || hx_fail(error, "--input %s: %s", path, strerror(errno));
}

static bool options_check(const struct hx_gate_options *options_read, struct hx_error *error)
{
    static const char *const names[HX_SIDES] = {"--base-bin", "--head-bin"};

    for (int side = 0; side < HX_SIDES; side++) {
        if (options_read->bin[side] == NULL)
            return hx_fail(error, "%s DIR is missing: a folder with built workers", names[side]);
        if (options_read->label[side][0] == '\0')
            return hx_fail(error, "a label must not be empty");
    }
    for (size_t i = 0; i < options_read->input_count; i++) {
        if (!input_check(options_read->input[i], error))
            return false;
    }
    return true;
}

bool hx_gate_options_parse(int argc, char **argv, struct hx_gate_options *out, bool *help, struct hx_error *error)
{
    options_default(out);
    *help = false;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        const char *equals = strchr(word, '=');
        size_t bytes = equals == NULL ? strlen(word) : (size_t)(equals - word);
        bool flag = false;
        enum option option = option_find(word, bytes, &flag);
        const char *value = equals == NULL ? NULL : equals + 1;

        if (option == OPT_NONE)
            return hx_fail(error, "unknown option \"%s\"; see --help", word);
        if (option == OPT_HELP) {
            *help = true;
            return true;
        }
        if (flag && value != NULL)
            return hx_fail(error, "%.*s takes no value", (int)bytes, word);
        if (!flag && value == NULL) {
            if (i + 1 == argc)
                return hx_fail(error, "%s needs a value", word);
            value = argv[++i];
        }
        if (!option_set(option, value, out, error))
            return false;
    }
    return options_check(out, error);
}
