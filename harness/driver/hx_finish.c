/* hx_finish.c - publishes a run directory from plan and journal. See hx_drive.h; the tables are made in hx_tables.c.
 *
 * run.json comes last: a directory with a run.json of exit 0 has all its other files. Doing it again gives the same files. */
#include "driver/hx_drive.h"

#include "driver/hx_tables.h"
#include "measure/hx_attest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* processes[]: every process that was started, good or not, in the order of the plan. */
static json_t *processes(const struct hx_drive *drive) {
    static const char *const members[] = {"order", "cell", "pass", "rep", "pu", "exit", "signal", "timed_out", "migrated", "wall_ns", "problem"};
    json_t *array = json_array();
    for (size_t i = 0; i < drive->plan.step_count; i++) {
        if (drive->finished[i].head == NULL) {
            continue;
        }
        json_t *one = json_object();
        for (size_t m = 0; m < HX_COUNT_OF(members); m++) {
            json_t *member = json_object_get(drive->finished[i].head, members[m]);
            hx_tree_put(one, members[m], member != NULL ? json_incref(member) : json_null());
        }
        HX_CHECK(json_array_append_new(array, one) == 0);
    }
    return array;
}

/* {"json_dom":{"4k":"0011…","huge":"…"}}: one sum a scenario and page mode, since modes may differ in scale. More threads are another
 * sequence and stand as "4k/2". */
static json_t *allocation_checksums(const struct hx_drive *drive, bool contents) {
    json_t *object = json_object();
    for (size_t i = 0; i < drive->plan.cell_count; i++) {
        const struct hx_cell *cell = &drive->plan.cells[i];
        const struct hx_check *check = hx_checks_find(&drive->checks, cell);
        const char *sum = check == NULL ? "" : contents ? check->checksum : check->allocation_checksum;
        json_t *by_pages = json_object_get(object, cell->scenario);
        if (by_pages == NULL) {
            by_pages = json_object();
            hx_tree_put(object, cell->scenario, by_pages);
        }
        char key[32];
        (void)snprintf(key, sizeof key, cell->threads == 1 ? "%s" : "%s/%u", hx_pages_name(cell->pages), cell->threads);
        hx_tree_put(by_pages, key, sum[0] != '\0' ? hx_tree_word(sum) : json_null());
    }
    return object;
}

static bool publish_run(struct hx_drive *drive, int code, struct hx_error *error) {
    json_t *run = json_copy(drive->head);
    if (run == NULL) {
        hx_die("out of memory: run.json");
    }
    char now[32];
    hx_utc_now(false, now);
    hx_tree_put(run, "ended", hx_tree_word(now));
    hx_tree_put(run, "exit", json_integer(code));
    hx_tree_put(run, "complete", json_boolean(hx_drive_complete(drive)));
    hx_tree_put(run, "plan_sha256", hx_tree_word(drive->plan_sha256));
    char *plan = hx_plan_json(&drive->plan);
    hx_tree_put(run, "plan", hx_tree_parse(plan, "the plan", NULL));
    free(plan);
    hx_tree_put(run, "allocation_checksum", allocation_checksums(drive, false));
    hx_tree_put(run, "checksum", allocation_checksums(drive, true));
    hx_tree_put(run, "processes", processes(drive));
    char *text = hx_tree_dump_pretty(run);
    bool good = hx_rundir_publish(&drive->dir, "run.json", text, strlen(text), error);
    free(text);
    return good;
}

/* raw/cNNNN.jsonl.zst: the journal lines of one cell, observations as the worker wrote them, stderr beside them. */
static bool publish_raw(struct hx_drive *drive, struct hx_error *error) {
    for (size_t cell = 0; cell < drive->plan.cell_count; cell++) {
        struct hx_buffer lines = {0};
        bool good = true;
        for (size_t i = 0; i < drive->plan.step_count && good; i++) {
            const struct hx_finished *finished = &drive->finished[i];
            if (drive->plan.steps[i].cell == cell && finished->head != NULL) {
                char *line = hx_rundir_line(&drive->dir, finished->offset, finished->size_bytes, error);
                good = line != NULL;
                if (good) {
                    hx_buffer_print(&lines, "%s\n", line);
                }
                free(line);
            }
        }
        char name[48];
        (void)snprintf(name, sizeof name, "raw/c%04zu.jsonl.zst", cell);
        good = good && hx_rundir_publish_zstd(&drive->dir, name, lines.data != NULL ? lines.data : "", lines.size_bytes, error);
        hx_buffer_free(&lines);
        if (!good) {
            return false;
        }
    }
    return true;
}

/* Google Benchmark's context, as far as it is ours to say; its compare tool asks for none of it. */
static bool publish_gbench(struct hx_drive *drive, json_t *benchmarks, struct hx_error *error) {
    json_t *context = json_object(), *root = json_object();
    hx_tree_put(context, "date", json_incref(json_object_get(drive->head, "started")));
    hx_tree_put(context, "executable", hx_tree_word("arenabench"));
    hx_tree_put(context, "num_cpus", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
    hx_tree_put(context, "caches", json_array());
    hx_tree_put(context, "library_build_type", hx_tree_word("debug"));
    hx_tree_put(context, "run_id", json_incref(json_object_get(drive->head, "id")));
    hx_tree_put(root, "context", context);
    hx_tree_put(root, "benchmarks", json_incref(benchmarks));
    char *text = hx_tree_dump_pretty(root);
    bool good = hx_rundir_publish(&drive->dir, "gbench.json", text, strlen(text), error);
    free(text);
    return good;
}

static bool publish_all(struct hx_drive *drive, int code, struct hx_error *error) {
    struct hx_tables tables;
    if (!hx_tables_make(drive, &tables, error)) {
        return false;
    }
    bool good = hx_rundir_publish(&drive->dir, "samples.tsv", tables.samples.data, tables.samples.size_bytes, error) &&
                hx_rundir_publish_zstd(&drive->dir, "series.tsv.zst", tables.series.data, tables.series.size_bytes, error) &&
                hx_rundir_publish_zstd(&drive->dir, "hist.tsv.zst", tables.hist.data, tables.hist.size_bytes, error) &&
                (tables.gc.size_bytes == 0 ||
                 hx_rundir_publish_zstd(&drive->dir, "gc.tsv.zst", tables.gc.data, tables.gc.size_bytes, error)) &&
                publish_gbench(drive, tables.gbench, error) && publish_raw(drive, error) && publish_run(drive, code, error);
    hx_tables_free(&tables);
    return good;
}

int hx_finish(struct hx_drive *drive, int code) {
    struct hx_error error = {{0}};
    bool whole = code == HX_EXIT_OK || (code == HX_EXIT_ERROR && drive->failed);
    bool good = true;
    if (whole) {
        good = publish_all(drive, code, &error);
        /* A run with failed processes keeps its journal, so that --resume can try those again. */
        if (good && hx_drive_complete(drive)) {
            good = hx_rundir_remove_journal(&drive->dir, &error);
        } else if (good) {
            hx_warn("some processes failed: this run is not complete; try them again with --resume %s", drive->dir.path);
        }
    } else if (!publish_run(drive, code, &error)) {
        return code; /* the journal is what counts; on a full disk there is no room for more */
    }
    if (!good) {
        hx_warn("%s; finished observations are kept: go on with --resume %s", error.line, drive->dir.path);
        return HX_EXIT_ERROR;
    }
    if (whole) {
        hx_warn("run directory: %s", drive->dir.path);
    }
    return code;
}
