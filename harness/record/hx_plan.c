/* hx_plan.c - from catalogue and settings to cells and steps. See hx_plan.h; reading and writing are in hx_plan_json.c. */
#include "record/hx_plan.h"

#include "base/hx_rng.h"
#include "record/hx_plan_steps.h"
#include "record/hx_words.h"

#include <stdlib.h>
#include <string.h>

/* What quick takes when the user names nothing: three workloads and the backends people compare first. */
static const char quick_scenarios[] = "json_dom,binary_trees,request_server";
static const char quick_backends[] = "malloc,mimalloc,arena-safe,arena-go,arena-kept,bump";
/* And what the harness itself adds to an operation, one cell: no figure is shown without it. */
static const char floor_scenario[] = "empty", floor_backend[] = "bump";
/* The arm that stands for a backend in a headline table; a backend has one of these. */
static const char *const headline_arms[] = {"each", "reuse", "collect", "bulk"};

void hx_settings_default(enum hx_profile profile, struct hx_settings *out) {
    *out = (struct hx_settings){.profile = profile, .seed = 1, .scale = 1.0, .event_groups = 1};
    out->threads[0] = 1;
    out->thread_count = 1;
    out->pages[HX_PAGES_4K] = true;
    out->pages[HX_PAGES_HUGE] = true;
    bool full = profile == HX_PROFILE_FULL;
    out->eight_at_two = full;
    out->reps[HX_PASS_TIME] = full ? 7 : 6; /* six are the least for a 95 % interval: min to max covers 96.9 % */
    out->reps[HX_PASS_LATENCY] = full ? 3 : 1;
    out->reps[HX_PASS_COUNTERS] = 1;
    out->aa_percent = full ? 5 : 0;
    out->reps[HX_PASS_MEMORY] = 1;
}

/* Every pattern of a GLOB list must name at least one word, so that a misspelt one is told rather than left out. */
static bool check_patterns(const char *option, const char *patterns, const char *const *words, size_t count, struct hx_error *error) {
    if (patterns == NULL) {
        return true;
    }
    char *copy = hx_dup(patterns);
    char *rest = NULL;
    bool good = patterns[0] != '\0' || hx_fail(error, "%s: empty", option);
    for (char *one = strtok_r(copy, ",", &rest); one != NULL && good; one = strtok_r(NULL, ",", &rest)) {
        bool hit = false;
        for (size_t i = 0; i < count && !hit; i++) {
            hit = hx_glob(one, words[i]);
        }
        if (!hit) {
            char *choices = hx_join(words, count);
            good = hx_fail(error, "%s %s: no such %s (%s)", option, one, option + 2, choices);
            free(choices);
        }
    }
    free(copy);
    return good;
}

static bool check_filters(const struct hx_catalogue *catalogue, const struct hx_settings *settings, struct hx_error *error) {
    size_t arm_count = 0;
    for (size_t i = 0; i < catalogue->backend_count; i++) {
        arm_count += catalogue->backends[i].arm_count;
    }
    size_t capacity = catalogue->scenario_count + catalogue->backend_count + arm_count + 1;
    const char **words = hx_alloc(capacity * sizeof *words);
    for (size_t i = 0; i < catalogue->scenario_count; i++) {
        words[i] = catalogue->scenarios[i].name;
    }
    bool good = check_patterns("--scenario", settings->scenario, words, catalogue->scenario_count, error);
    for (size_t i = 0; i < catalogue->backend_count; i++) {
        words[i] = catalogue->backends[i].name;
    }
    good = good && check_patterns("--backend", settings->backend, words, catalogue->backend_count, error);
    size_t count = 0;
    for (size_t i = 0; i < catalogue->backend_count; i++) {
        for (size_t a = 0; a < catalogue->backends[i].arm_count; a++) {
            const char *name = catalogue->backends[i].arms[a].name;
            bool seen = false;
            for (size_t w = 0; w < count && !seen; w++) {
                seen = strcmp(words[w], name) == 0;
            }
            if (!seen) {
                words[count++] = name;
            }
        }
    }
    good = good && check_patterns("--arm", settings->arm, words, count, error);
    free(words);
    return good;
}

static bool is_headline(const char *arm) {
    for (size_t i = 0; i < HX_COUNT_OF(headline_arms); i++) {
        if (strcmp(headline_arms[i], arm) == 0) {
            return true;
        }
    }
    return false;
}

/* Which arms of a backend a profile takes: full all; the others the headline arm, and where that cannot run the first that can. */
static bool arm_chosen(const struct hx_backend *backend, size_t arm, const struct hx_settings *settings) {
    const struct hx_arm *one = &backend->arms[arm];
    if (settings->arm != NULL) {
        return hx_glob(settings->arm, one->name);
    }
    if (settings->profile == HX_PROFILE_FULL || is_headline(one->name)) {
        return true;
    }
    for (size_t i = 0; i < backend->arm_count; i++) {
        if (is_headline(backend->arms[i].name) && backend->arms[i].reason[0] == '\0') {
            return false;
        }
    }
    for (size_t i = 0; i < backend->arm_count; i++) {
        if (backend->arms[i].reason[0] == '\0') {
            return i == arm;
        }
    }
    return false;
}

static bool scenario_chosen(const struct hx_scenario *scenario, const struct hx_settings *settings) {
    const char *patterns = settings->scenario;
    if (patterns == NULL && settings->profile != HX_PROFILE_FULL) {
        patterns = quick_scenarios;
    }
    return hx_glob(patterns, scenario->name);
}

static bool backend_chosen(const struct hx_scenario *scenario, const struct hx_backend *backend, const struct hx_settings *settings) {
    if (settings->backend != NULL) {
        return hx_glob(settings->backend, backend->name);
    }
    bool usual = settings->profile == HX_PROFILE_FULL ? scenario->backends == NULL || hx_glob(scenario->backends, backend->name)
                                                      : hx_glob(quick_backends, backend->name);
    return usual || backend->asked;
}

/* Does a run take any cell of these two? */
static bool is_chosen(const struct hx_scenario *scenario, const struct hx_backend *backend, const struct hx_settings *settings) {
    bool unnamed = settings->profile == HX_PROFILE_QUICK && settings->scenario == NULL && settings->backend == NULL;
    bool floor = unnamed && settings->pages[HX_PAGES_HUGE] && strcmp(scenario->name, floor_scenario) == 0 &&
                 strcmp(backend->name, floor_backend) == 0;
    return floor || (scenario_chosen(scenario, settings) && backend_chosen(scenario, backend, settings));
}

/* A scenario that is not made for an arm or has no dials for a page mode is told to who named them, and passed over else. */
static bool is_passed_over(const struct hx_scenario *scenario, const struct hx_arm *arm, enum hx_pages pages,
                           const struct hx_settings *settings) {
    if (settings->arm == NULL && scenario->arms != NULL && !hx_glob(scenario->arms, arm->name)) {
        return true;
    }
    if (settings->profile == HX_PROFILE_FULL && settings->arm == NULL && pages == HX_PAGES_4K && hx_plan_arm_wants_huge(scenario->name, arm->name)) {
        return true;
    }
    enum hx_pages other = pages == HX_PAGES_4K ? HX_PAGES_HUGE : HX_PAGES_4K;
    return !scenario->dials[settings->profile][pages].present && settings->pages[other] &&
           scenario->dials[settings->profile][other].present;
}

/* Why the combination cannot run, or NULL. */
static const char *absence(const struct hx_scenario *scenario, const struct hx_backend *backend, const struct hx_arm *arm,
                           const struct hx_cell *cell, const struct hx_dial *dial, const struct hx_settings *settings) {
    if (backend->missing != NULL) {
        return backend->missing;
    }
    if (arm->reason[0] != '\0') {
        return arm->reason;
    }
    if (scenario->arms != NULL && !hx_glob(scenario->arms, arm->name)) {
        return "the scenario is not made for this arm";
    }
    bool listed = false;
    for (size_t i = 0; i < backend->scenario_count && !listed; i++) {
        listed = strcmp(backend->scenarios[i], scenario->name) == 0;
    }
    if (!listed) {
        return "this backend does not run this scenario";
    }
    if (cell->threads > scenario->threads_max) {
        return scenario->threads_max == 1 ? "a scenario of one thread" : "more threads than the scenario takes";
    }
    if (cell->threads > 1 && backend->threads_absent != NULL) {
        return backend->threads_absent;
    }
    if (settings->litter && backend->allocator == HX_ALLOCATOR_NONE) {
        return "only a malloc's heap can be littered";
    }
    if (cell->threads > 1 && backend->allocator == HX_ALLOCATOR_GLIBC && strcmp(arm->name, "keep") == 0) {
        return "glibc gives the pages of its other threads' arenas back, whatever it is told";
    }
    if (!dial->present) {
        return "the scenario has no dials for this profile and page mode";
    }
    if (backend->huge_absent != NULL && cell->pages == HX_PAGES_HUGE && !hx_allocator_thp_always()) {
        return backend->huge_absent;
    }
    return backend->allocator == HX_ALLOCATOR_NONE ? NULL : hx_allocator_pages_reason(backend->allocator, cell->pages);
}

/* The cell's options: the arm's own, and an open loop's rate. Sorted: no arm has an option after "rate" but tuning. */
static void put_options(struct hx_cell *cell, const struct hx_scenario *scenario, const char *options) {
    if (scenario->rate_per_s <= 0) {
        HX_CHECK(hx_copy(cell->options, sizeof cell->options, options));
        return;
    }
    char rate[HX_DECIMAL_BYTES];
    hx_decimal(scenario->rate_per_s, rate);
    bool alone = strcmp(options, "-") == 0;
    bool before = !alone && strcmp(options, "rate") < 0;
    char *joined = hx_print("%s%srate=%s%s%s", before ? options : "", before ? "," : "", rate, alone || before ? "" : ",",
                            alone || before ? "" : options);
    HX_CHECK(hx_copy(cell->options, sizeof cell->options, joined));
    free(joined);
}

static void add_cell(struct hx_plan *plan, const struct hx_scenario *scenario, const struct hx_backend *backend, const struct hx_arm *arm,
                     const char *options, unsigned threads, enum hx_pages pages, const struct hx_settings *settings) {
    const struct hx_dial *dial = &scenario->dials[settings->profile][pages];
    struct hx_cell cell = {.threads = threads,
                           .pages = pages,
                           .scale = dial->scale * settings->scale,
                           .cycles_per_block = dial->cycles_per_block,
                           .blocks = dial->blocks};
    HX_CHECK(hx_copy(cell.scenario, sizeof cell.scenario, scenario->name));
    HX_CHECK(hx_copy(cell.backend, sizeof cell.backend, backend->name));
    HX_CHECK(hx_copy(cell.arm, sizeof cell.arm, arm->name));
    put_options(&cell, scenario, options);
    const char *reason = absence(scenario, backend, arm, &cell, dial, settings);
    if (reason != NULL) {
        plan->absent = hx_grow(plan->absent, plan->absent_count + 1, sizeof *plan->absent);
        struct hx_absent *absent = &plan->absent[plan->absent_count++];
        *absent = (struct hx_absent){.cell = cell};
        if (!hx_copy(absent->reason, sizeof absent->reason, reason)) {
            memcpy(absent->reason, reason, sizeof absent->reason - 1); /* a long reason is cut, not lost */
        }
        return;
    }
    cell.index = (unsigned)plan->cell_count;
    plan->cells = hx_grow(plan->cells, plan->cell_count + 1, sizeof *plan->cells);
    plan->cells[plan->cell_count++] = cell;
}

/* Small equal objects and mixed requests, under the mallocs and the presets that people compare, in huge pages: what two threads
 * change is told by few cells, and full has to end within the hour. */
static bool one_of_eight(const struct hx_scenario *scenario, const struct hx_backend *backend, const struct hx_arm *arm) {
    return hx_glob("binary_trees,request_server", scenario->name) && hx_glob("malloc,mimalloc,arena-safe,arena-kept", backend->name) &&
           is_headline(arm->name);
}

/* The cell of an arm, and in profile full those that differ from it in options alone. */
static void add_options(struct hx_plan *plan, const struct hx_scenario *scenario, const struct hx_backend *backend, const struct hx_arm *arm,
                        unsigned threads, enum hx_pages pages, const struct hx_settings *settings) {
    bool keeps = backend->allocator != HX_ALLOCATOR_NONE && strcmp(arm->name, "keep") == 0;
    add_cell(plan, scenario, backend, arm, keeps ? "tuning=keep" : "-", threads, pages, settings);
    /* An arm that cannot run here says so once. */
    bool more = settings->profile == HX_PROFILE_FULL && arm->reason[0] == '\0' && backend->missing == NULL;
    const char *options = NULL;
    for (size_t i = 0; more && (options = hx_plan_step(scenario->name, backend->name, arm->name, i)) != NULL; i++) {
        add_cell(plan, scenario, backend, arm, options, threads, pages, settings);
    }
}

static void add_arms(struct hx_plan *plan, const struct hx_scenario *scenario, const struct hx_backend *backend,
                     const struct hx_settings *settings) {
    for (size_t arm = 0; arm < backend->arm_count; arm++) {
        if (!arm_chosen(backend, arm, settings)) {
            continue;
        }
        for (size_t t = 0; t < settings->thread_count; t++) {
            for (unsigned p = 0; p < HX_PAGES_COUNT; p++) {
                enum hx_pages pages = (enum hx_pages)p;
                if (settings->pages[p] && !is_passed_over(scenario, &backend->arms[arm], pages, settings)) {
                    add_options(plan, scenario, backend, &backend->arms[arm], settings->threads[t], pages, settings);
                }
            }
        }
        if (settings->eight_at_two && settings->pages[HX_PAGES_HUGE] && one_of_eight(scenario, backend, &backend->arms[arm])) {
            add_cell(plan, scenario, backend, &backend->arms[arm], "-", 2, HX_PAGES_HUGE, settings);
        }
    }
}

static unsigned pass_reps(const struct hx_settings *settings, enum hx_pass pass) {
    return pass == HX_PASS_COUNTERS ? settings->reps[pass] * settings->event_groups : settings->reps[pass];
}

/* Chooses cells that run a second time as the same program: what differs between the two is what this run's noise can do. A stream of
 * its own, so that the seed says which cells whatever else is drawn. An open loop has no times to compare. */
static void add_again(struct hx_plan *plan, const struct hx_catalogue *catalogue, const struct hx_settings *settings) {
    size_t all = plan->cell_count, count = 0;
    uint32_t *index = hx_alloc((all + 1) * sizeof *index);
    for (size_t i = 0; i < all; i++) {
        if (hx_catalogue_scenario(catalogue, plan->cells[i].scenario)->rate_per_s <= 0) {
            index[count++] = (uint32_t)i;
        }
    }
    struct hx_rng rng;
    hx_rng_init(&rng, settings->seed ^ UINT64_C(0xa5a5a5a5));
    hx_rng_shuffle(&rng, index, count);
    size_t chosen = count * settings->aa_percent / 100;
    plan->cells = hx_grow(plan->cells, all + chosen, sizeof *plan->cells);
    for (size_t i = 0; i < chosen; i++) {
        struct hx_cell *cell = &plan->cells[plan->cell_count];
        *cell = plan->cells[index[i]];
        cell->index = (unsigned)plan->cell_count++;
        cell->again = true;
    }
    free(index);
}

/* All steps of one round: every (cell, pass) that has a repetition of this number. An open loop has latencies alone. */
static void add_round(struct hx_plan *plan, const struct hx_catalogue *catalogue, const struct hx_settings *settings, unsigned rep,
                      struct hx_rng *rng) {
    size_t first = plan->step_count;
    for (unsigned cell = 0; cell < plan->cell_count; cell++) {
        bool open = hx_catalogue_scenario(catalogue, plan->cells[cell].scenario)->rate_per_s > 0;
        for (unsigned pass = 0; pass < HX_PASS_PLAN; pass++) {
            if (rep >= pass_reps(settings, (enum hx_pass)pass) || (open && pass != HX_PASS_LATENCY) ||
                (plan->cells[cell].again && pass != HX_PASS_TIME)) {
                continue;
            }
            struct hx_step step = {.cell = cell, .pass = (enum hx_pass)pass, .rep = rep};
            step.event_group = pass == HX_PASS_COUNTERS ? rep % settings->event_groups : 0;
            plan->steps = hx_grow(plan->steps, plan->step_count + 1, sizeof *plan->steps);
            plan->steps[plan->step_count++] = step;
        }
    }
    size_t count = plan->step_count - first;
    uint32_t *index = hx_alloc(count * sizeof *index);
    struct hx_step *unshuffled = hx_alloc(count * sizeof *unshuffled);
    for (size_t i = 0; i < count; i++) {
        index[i] = (uint32_t)i;
        unshuffled[i] = plan->steps[first + i];
    }
    hx_rng_shuffle(rng, index, count);
    for (size_t i = 0; i < count; i++) {
        plan->steps[first + i] = unshuffled[index[i]];
    }
    free(unshuffled);
    free(index);
}

bool hx_plan_make(const struct hx_catalogue *catalogue, const struct hx_settings *settings, struct hx_plan *out, struct hx_error *error) {
    *out = (struct hx_plan){0};
    if (!check_filters(catalogue, settings, error)) {
        return false;
    }
    for (size_t s = 0; s < catalogue->scenario_count; s++) {
        for (size_t b = 0; b < catalogue->backend_count; b++) {
            if (is_chosen(&catalogue->scenarios[s], &catalogue->backends[b], settings)) {
                add_arms(out, &catalogue->scenarios[s], &catalogue->backends[b], settings);
            }
        }
    }
    if (out->cell_count == 0) {
        if (out->absent_count != 0) {
            char title[HX_CELL_TITLE_BYTES];
            hx_cell_title(&out->absent[0].cell, title);
            hx_fail(error, "no cell can run: %s: %s", title, out->absent[0].reason);
        } else {
            hx_fail(error, "no cell can run: the filters exclude each other");
        }
        hx_plan_free(out);
        return false;
    }
    add_again(out, catalogue, settings);
    unsigned rounds = 0;
    for (unsigned pass = 0; pass < HX_PASS_PLAN; pass++) {
        unsigned reps = pass_reps(settings, (enum hx_pass)pass);
        rounds = reps > rounds ? reps : rounds;
    }
    struct hx_rng rng;
    hx_rng_init(&rng, settings->seed);
    for (unsigned rep = 0; rep < rounds; rep++) {
        add_round(out, catalogue, settings, rep, &rng);
    }
    return true;
}

struct hx_cell hx_pass_cell(const struct hx_cell *cell, enum hx_pass pass) {
    struct hx_cell out = *cell;
    if (pass == HX_PASS_COUNTERS) {
        uint64_t ops_per_cycle = cell->ops_per_block / cell->cycles_per_block; /* all cycles have as many */
        out.blocks = out.blocks > HX_COUNTER_BLOCKS ? HX_COUNTER_BLOCKS : out.blocks;
        out.cycles_per_block = out.cycles_per_block > HX_COUNTER_CYCLES ? HX_COUNTER_CYCLES : out.cycles_per_block;
        out.ops_per_block = ops_per_cycle * out.cycles_per_block;
    }
    return out;
}

void hx_plan_free(struct hx_plan *plan) {
    free(plan->cells);
    free(plan->steps);
    free(plan->absent);
    *plan = (struct hx_plan){0};
}
