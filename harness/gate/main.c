/* arenabench-gate: did head get slower or bigger than base? Two folders of workers in, an exit code, a line a cell and gate.json out.
 *
 * run.sh builds both sides and passes their folders; harness/gate/build_side.sh is how. Order: counts (exact, anywhere), then times
 * between two canaries (statistical, only on a fit machine). Files are written at the end, whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "gate/hx_callgrind.h"
#include "gate/hx_canary.h"
#include "gate/hx_gate_report.h"
#include "gate/hx_gate_verdict.h"
#include "measure/hx_topology.h"
#include "record/hx_interrupt.h"
#include "record/hx_rundir.h"
#include "record/hx_samples.h"

static const char default_lock[] = "build/.measure";

static int complain(const struct hx_error *error)
{
    hx_warn("%s", error->line);
    return HX_EXIT_ERROR;
}

/* One measurement at a time on a machine. The descriptor stays open until we exit; -1: none wanted. False with one line. */
static bool take_lock(const char *path, int *fd, struct hx_error *error)
{
    *fd = -1;
    if (path != NULL && path[0] == '\0')
        path = access("build", W_OK) == 0 ? default_lock : NULL;
    if (path == NULL)
        return true;
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*fd < 0)
        return hx_fail(error, "--lock %s: %s", path, strerror(errno));
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    fprintf(stderr, "gate: waiting for another measurement to end\n");
    return flock(*fd, LOCK_EX) == 0 || hx_fail(error, "--lock %s: %s", path, strerror(errno));
}

static bool choose_pus(struct hx_gate *gate, struct hx_error *error)
{
    static struct hx_pu_choice choice;
    struct hx_pu_request request = {.cpus = gate->options.cpus, .numa_node = -1, .want = HX_GATE_PUS};
    char message[256];
    const char *why = NULL;
    struct hx_topology *topology = hx_topology_load(&why);
    int problem;

    if (topology == NULL)
        return hx_fail(error, "the machine's topology: %s", why);
    problem = hx_topology_choose(topology, &request, &choice, message, sizeof message);
    hx_topology_free(topology);
    if (problem != 0)
        return hx_fail(error, "%s", message);
    gate->pu_count = choice.count < HX_GATE_PUS ? choice.count : HX_GATE_PUS;
    for (size_t i = 0; i < gate->pu_count; i++)
        gate->pu[i] = choice.pu[i];
    return true;
}

/* The run directory is made first: an unwritable --out must not be found out after two minutes. */
static bool make_rundir(struct hx_gate *gate, char *path, size_t capacity_bytes, struct hx_rundir *run, struct hx_error *error)
{
    time_t now = (time_t)gate->started_unix_s;
    struct tm utc;
    char id[32];

    gmtime_r(&now, &utc);
    strftime(id, sizeof id, "%Y%m%dT%H%M%SZ", &utc);
    if (gate->options.out != NULL)
        snprintf(path, capacity_bytes, "%s", gate->options.out);
    else
        snprintf(path, capacity_bytes, "results/runs/%s-gate", id);
    return hx_rundir_create(path, "{\"gate\":true}", run, error);
}

static bool publish(const struct hx_gate *gate, const char *json, struct hx_rundir *run, struct hx_error *error)
{
    bool good = hx_rundir_publish(run, "samples.tsv", gate->samples.data, gate->samples.size_bytes, error) &&
                hx_rundir_publish(run, "gate.json", json, strlen(json), error) && hx_rundir_remove_journal(run, error);

    return good;
}

static void find_valgrind(struct hx_gate *gate)
{
    struct hx_error error = {0};

    gate->valgrind = hx_callgrind_find(&error);
    if (gate->valgrind == NULL)
        (void)hx_copy(gate->no_valgrind, sizeof gate->no_valgrind, error.line);
}

static void measure(struct hx_gate *gate)
{
    if (gate->options.counts)
        hx_gate_counts_run(gate);
    if (gate->options.times && !gate->stopped)
        hx_gate_times_run(gate);
    gate->ended_unix_s = (uint64_t)time(NULL);
}

static int report(struct hx_gate *gate, struct hx_rundir *run, const char *path)
{
    struct hx_error error = {0};
    struct hx_buffer lines = {0};
    char *json;
    int signal = hx_interrupt_signal(gate->stop_fd);
    int code = gate->stopped && signal != 0 ? 128 + signal : hx_gate_exit(gate);

    json = hx_gate_json(gate, code);
    hx_gate_lines(gate, code, &lines);
    hx_buffer_print(&lines, "%s/gate.json\n", path);
    if (!publish(gate, json, run, &error))
        code = complain(&error);
    fputs(lines.data, gate->options.json ? stderr : stdout);
    if (gate->options.json)
        fputs(json, stdout);
    if (fflush(stdout) != 0)
        code = HX_EXIT_ERROR;
    hx_buffer_free(&lines);
    free(json);
    return code;
}

static int run_gate(struct hx_gate *gate, struct hx_error *error)
{
    struct hx_rundir run;
    char path[4096];
    int lock_fd, code;

    if (!choose_pus(gate, error) || !hx_gate_cells_make(gate, error))
        return complain(error);
    gate->stop_fd = hx_interrupt_open(error);
    if (gate->stop_fd < 0 || !take_lock(gate->options.lock, &lock_fd, error))
        return complain(error);
    gate->started_unix_s = (uint64_t)time(NULL);
    if (!make_rundir(gate, path, sizeof path, &run, error))
        return complain(error);
    if (gate->options.counts)
        find_valgrind(gate);
    hx_samples_write_header(&gate->samples);
    measure(gate);
    code = report(gate, &run, path);
    hx_rundir_close(&run);
    return code;
}

int main(int argc, char **argv)
{
    static struct hx_gate gate;
    struct hx_error error = {0};
    uint64_t pu;
    bool help;
    int code;

    hx_program_set("arenabench-gate");
    if (argc == 3 && strcmp(argv[1], "--canary") == 0 && hx_parse_u64(argv[2], &pu))
        return hx_canary_process((unsigned)pu);
    if (!hx_gate_options_parse(argc, argv, &gate.options, &help, &error))
        return complain(&error);
    if (help) {
        fputs(hx_gate_usage(), stdout);
        return HX_EXIT_OK;
    }
    pthread_mutex_init(&gate.lock, NULL);
    gate.self_path = "/proc/self/exe";
    gate.metric[gate.metric_count++] = "time";
    if (gate.options.tier->typical)
        gate.metric[gate.metric_count++] = "time_typical";
    code = run_gate(&gate, &error);
    hx_gate_free(&gate);
    return code;
}
