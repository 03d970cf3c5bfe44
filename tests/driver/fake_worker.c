/* fake_worker.c - a worker that measures nothing and misbehaves on demand.
 *
 * Why: crashes, hangs, nonsense on fd 3 and unequal work must be tested, and a real worker does none of these. It speaks the whole of
 * docs/PROTOCOL.md 2 under the name it is started by (worker-malloc, worker-arena, worker-bump), with made-up figures that depend on
 * the request alone.
 *
 *   HX_FAKE       ACTION:ARGUMENT:CELLGLOB:PASS:REP, several joined by ';'. PASS and REP may be '*'. Actions:
 *                 signal N · exit N (with a line on stderr) · silent 0 · garbage 0 · other 0 (answers another request) · ops 0
 *                 (other work) · sum 0 (another checksum) · moved 0 (says that it migrated) · sleep MS · parent N (sends the driver signal N, then sleeps 20 ms)
 *   HX_FAKE_LOG   a file that gets one line for each process: order, cell, pass, rep, pid, LD_PRELOAD, GLIBC_TUNABLES, PUs, events
 *   HX_FAKE_ONCE  a file: the actions are taken only while it does not exist, and taking one makes it */
#include "base/hx_rng.h"
#include "record/hx_request.h"
#include "record/hx_tree.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char scenarios_json[] =
    "[{\"name\":\"binary_trees\",\"why\":\"Trees.\",\"needs_input\":false,\"zeroed\":false,\"threads_max\":2,\"default_input\":[],\"dials\":%s},"
    "{\"name\":\"json_dom\",\"why\":\"Documents.\",\"needs_input\":true,\"zeroed\":false,\"default_input\":[\"/nonexistent/a.json\",\"/etc/hostname\"],"
    "\"dials\":%s},"
    "{\"name\":\"extra\",\"why\":\"Not in quick.\",\"needs_input\":false,\"zeroed\":true,\"default_input\":[],\"dials\":%s}]";
static const char dials_json[] =
    "{\"quick\":{\"4k\":{\"scale\":1.0,\"cycles_per_block\":2,\"blocks\":8},\"huge\":{\"scale\":2.5,\"cycles_per_block\":1,\"blocks\":8}},"
    "\"full\":{\"4k\":{\"scale\":1.0,\"cycles_per_block\":2,\"blocks\":8},\"huge\":{\"scale\":1.0,\"cycles_per_block\":2,\"blocks\":8}},"
    "\"gate\":{\"huge\":{\"scale\":0.25,\"cycles_per_block\":1,\"blocks\":16}}}";

static const char *backends_of(const char *worker) {
    if (strcmp(worker, "worker-malloc") == 0) {
        return "[{\"name\":\"malloc\",\"arms\":[\"each\",\"keep\",\"fresh\"],\"absent\":[]}]";
    }
    if (strcmp(worker, "worker-arena") == 0) {
        return "[{\"name\":\"arena-safe\",\"arms\":[\"fresh\"],\"absent\":[{\"arm\":\"reuse\",\"reason\":\"needs the collector\"}]},"
               "{\"name\":\"arena-kept\",\"arms\":[\"reuse\",\"fresh\"],\"absent\":[]}]";
    }
    return "[{\"name\":\"bump\",\"arms\":[\"bulk\"],\"absent\":[]}]";
}

static void list(const char *worker) {
    (void)printf("{\"protocol\":1,\"worker\":\"%s\",\"version\":\"fake\",\"backends\":%s,\"scenarios\":", worker, backends_of(worker));
    char *scenarios = hx_dup(scenarios_json);
    for (char *at = scenarios, *hole; (hole = strstr(at, "%s")) != NULL; at = hole + 2) {
        (void)printf("%.*s%s", (int)(hole - at), at, dials_json);
        if (strstr(hole + 2, "%s") == NULL) {
            (void)printf("%s}\n", hole + 2);
        }
    }
    free(scenarios);
}

/* The argument of the first rule that fits, or -1. */
static long asked_for(const char *action, const struct hx_request *request) {
    const char *rules = getenv("HX_FAKE"), *once = getenv("HX_FAKE_ONCE");
    if (rules == NULL || (once != NULL && access(once, F_OK) == 0)) {
        return -1;
    }
    char title[HX_CELL_TITLE_BYTES], rep[16];
    hx_cell_title(&request->cell, title);
    (void)snprintf(rep, sizeof rep, "%u", request->rep);
    char *copy = hx_dup(rules), *rest = NULL;
    long argument = -1;
    for (char *rule = strtok_r(copy, ";", &rest); rule != NULL && argument < 0; rule = strtok_r(NULL, ";", &rest)) {
        char *word[5] = {NULL}, *inner = NULL;
        size_t count = 0;
        for (char *part = strtok_r(rule, ":", &inner); part != NULL && count < 5; part = strtok_r(NULL, ":", &inner)) {
            word[count++] = part;
        }
        if (count == 5 && strcmp(word[0], action) == 0 && fnmatch(word[2], title, 0) == 0 &&
            fnmatch(word[3], hx_pass_name(request->pass), 0) == 0 && fnmatch(word[4], rep, 0) == 0) {
            argument = strtol(word[1], NULL, 10);
        }
    }
    free(copy);
    if (argument >= 0 && once != NULL) {
        int fd = open(once, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        (void)close(fd);
    }
    return argument;
}

static void log_start(const struct hx_request *request) {
    const char *path = getenv("HX_FAKE_LOG"), *preload = getenv("LD_PRELOAD"), *tunables = getenv("GLIBC_TUNABLES");
    FILE *file = path != NULL ? fopen(path, "ae") : NULL;
    if (file == NULL) {
        return;
    }
    char title[HX_CELL_TITLE_BYTES];
    hx_cell_title(&request->cell, title);
    (void)fprintf(file, "%llu\t%s\t%s\t%u\t%d\t%s\t%s\t%u\t%zu\t%s\n", (unsigned long long)request->order, title,
                  hx_pass_name(request->pass), request->rep, (int)getpid(), preload != NULL ? preload : "-",
                  tunables != NULL ? tunables : "-", request->pus[0], request->pu_count, request->event_count != 0 ? request->events[0] : "-");
    (void)fclose(file);
}

static void nap(long ms) {
    (void)nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* What has to happen before an answer, or instead of one. */
static void misbehave(const struct hx_request *request) {
    long argument = asked_for("sleep", request);
    if (argument >= 0) {
        nap(argument);
    }
    argument = asked_for("parent", request);
    if (argument >= 0) {
        (void)kill(getppid(), (int)argument);
        nap(20);
    }
    argument = asked_for("signal", request);
    if (argument >= 0) {
        (void)raise((int)argument);
    }
    argument = asked_for("exit", request);
    if (argument >= 0) {
        (void)fprintf(stderr, "fake: told to fail\n");
        exit((int)argument);
    }
    if (asked_for("silent", request) >= 0) {
        exit(0);
    }
    if (asked_for("garbage", request) >= 0) {
        static const char text[] = "{\"protocol\":1,\"pass\":\n";
        exit(write(3, text, sizeof text - 1) > 0 ? 0 : 9);
    }
}

static void put_metric(json_t *metrics, const char *phase, const char *name, const char *unit, json_t *value, const char *reason) {
    json_t *one = json_object();
    hx_tree_put(one, "phase", hx_tree_word(phase));
    hx_tree_put(one, "metric", hx_tree_word(name));
    hx_tree_put(one, "unit", hx_tree_word(unit));
    hx_tree_put(one, "value", value);
    hx_tree_put(one, "reason", reason != NULL ? hx_tree_word(reason) : json_null());
    HX_CHECK(json_array_append_new(metrics, one) == 0);
}

static json_t *rows(const char *text) {
    json_t *value = json_loads(text, 0, NULL);
    HX_CHECK(value != NULL);
    return value;
}

static void put_figures(json_t *root, const struct hx_request *request, uint64_t ops) {
    json_t *metrics = json_array();
    double time_ns = 10.0 + (double)(hx_checksum_bytes(1, request->cell.backend, strlen(request->cell.backend)) % 50) + 0.25 * request->rep;
    switch (request->pass) {
    case HX_PASS_TIME:
        put_metric(metrics, "all", "time", "ns/op", json_real(time_ns), NULL);
        put_metric(metrics, "all", "time_typical", "ns/op", json_real(time_ns * 1.5), NULL);
        put_metric(metrics, "all", "faults_minor", "count", json_integer(7), NULL);
        hx_tree_put(root, "block_ns", rows("[1000000,1100000,1200000,1000000,1000000,1000000,1000000,1000000]"));
        json_t *gbench = json_object();
        hx_tree_put(gbench, "name", hx_tree_word("fake"));
        hx_tree_put(gbench, "iterations", json_integer((json_int_t)ops));
        hx_tree_put(gbench, "real_time", json_real(time_ns));
        hx_tree_put(gbench, "cpu_time", json_real(time_ns));
        hx_tree_put(gbench, "time_unit", hx_tree_word("ns"));
        hx_tree_put(root, "gbench", gbench);
        break;
    case HX_PASS_LATENCY:
        put_metric(metrics, "all", "latency_request_p99", "ns", json_real(250.5), NULL);
        put_metric(metrics, "all", "latency_request_p99_99", "ns", json_null(), "too few calls");
        hx_tree_put(root, "hist", rows("[{\"phase\":\"alloc\",\"call\":\"alloc\",\"buckets\":[[10,20,5],[20,40,1]]}]"));
        break;
    case HX_PASS_MEMORY:
        put_metric(metrics, "all", "rss_peak_bytes", "bytes", json_integer(1 << 20), NULL);
        hx_tree_put(root, "series", rows("[[0,10,1000,64,4096,4096],[1,20,2000,128,8192,8192]]"));
        break;
    default:
        put_metric(metrics, "all", "faults_minor", "count", json_integer(3), NULL);
        put_metric(metrics, "all", "task-clock", "count", json_null(), "never scheduled");
        break;
    }
    hx_tree_put(root, "metrics", metrics);
}

static void hex(uint64_t value, char out[17]) {
    (void)snprintf(out, 17, "%016llx", (unsigned long long)value);
}

/* Equal for all backends, as the rules want it. */
static uint64_t work_sum(const struct hx_request *request, uint64_t salt) {
    uint64_t sum = hx_checksum_bytes(salt, request->cell.scenario, strlen(request->cell.scenario));
    sum = hx_checksum_word(sum, request->seed);
    return hx_checksum_word(sum, (uint64_t)(request->cell.scale * 1000));
}

static void observe(const char *worker, const struct hx_request *request) {
    const struct hx_cell *cell = &request->cell;
    uint64_t ops_per_block = (uint64_t)(1000 * cell->scale) * cell->cycles_per_block + (asked_for("ops", request) >= 0 ? 1 : 0);
    uint64_t ops = ops_per_block * cell->blocks;
    char sum[17], allocation_sum[17];
    hex(work_sum(request, 1) + (asked_for("sum", request) >= 0 ? 1 : 0), sum);
    hex(work_sum(request, 2), allocation_sum);
    json_t *root = json_object(), *pus = json_array();
    hx_tree_put(root, "protocol", json_integer(HX_PROTOCOL_VERSION));
    hx_tree_put(root, "worker", hx_tree_word(worker));
    hx_tree_put(root, "version", hx_tree_word("fake"));
    hx_tree_put(root, "pass", hx_tree_word(hx_pass_name(request->pass)));
    hx_tree_put_cell_words(root, cell);
    hx_tree_put_dials(root, cell);
    hx_tree_put(root, "rep", json_integer(request->rep + (asked_for("other", request) >= 0 ? 1U : 0U)));
    hx_tree_put(root, "order", hx_tree_count(request->order));
    hx_tree_put(root, "seed", hx_tree_count(request->seed));
    hx_tree_put(root, "ops_per_block", hx_tree_count(ops_per_block));
    hx_tree_put(root, "ops_total", hx_tree_count(ops));
    hx_tree_put(root, "refills_per_block", json_integer(2));
    hx_tree_put(root, "allocation_checksum", hx_tree_word(allocation_sum));
    hx_tree_put(root, "checksum", hx_tree_word(sum));
    HX_CHECK(json_array_append_new(pus, json_integer(request->pus[0])) == 0);
    hx_tree_put(root, "pus", pus);
    hx_tree_put(root, "migrated", json_boolean(asked_for("moved", request) >= 0));
    hx_tree_put(root, "flags", json_array());
    put_figures(root, request, ops);
    char *line = hx_tree_dump(root);
    struct hx_buffer whole = {0};
    hx_buffer_print(&whole, "%s\n", line);
    HX_CHECK(write(3, whole.data, whole.size_bytes) == (ssize_t)whole.size_bytes);
    hx_buffer_free(&whole);
    free(line);
}

int main(int argc, char **argv) {
    const char *slash = strrchr(argv[0], '/');
    const char *worker = slash != NULL ? slash + 1 : argv[0];
    hx_program_set(worker);
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        list(worker);
        return 0;
    }
    struct hx_request request;
    struct hx_error error = {{0}};
    if (argc != 3 || strcmp(argv[1], "--observe") != 0 || !hx_request_parse(argv[2], &request, &error)) {
        hx_die("%s", error.line[0] != '\0' ? error.line : "want --list or --observe REQUEST");
    }
    log_start(&request);
    misbehave(&request);
    observe(worker, &request);
    hx_request_free(&request);
    return 0;
}
