/* Which cells a gate compares: those of either side's plan that both builds can run.
 *
 * Why from both plans: a head that lost a cell must not pass by not having it. Such a cell, and one that has no base yet, is
 * lonely and shown as not comparable. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/hx_gate.h"

void hx_gate_cell_fail(struct hx_gate_cell *cell, const char *format, ...)
{
    va_list args;

    if (cell->failure[0] != '\0')
        return;
    va_start(args, format);
    vsnprintf(cell->failure, sizeof cell->failure, format, args);
    va_end(args);
    for (char *c = cell->failure; *c != '\0'; c++) {
        if (*c == '\n')
            *c = ' ';
    }
}

static const struct hx_arm *find_arm(const struct hx_backend *backend, const char *name)
{
    for (size_t i = 0; i < backend->arm_count; i++) {
        if (strcmp(backend->arms[i].name, name) == 0)
            return &backend->arms[i];
    }
    return NULL;
}

/* NULL when this side can run the cell, else why not. */
static const char *cannot_run(const struct hx_catalogue *catalogue, const struct hx_cell *cell)
{
    const struct hx_backend *backend = hx_catalogue_backend(catalogue, cell->backend);
    const struct hx_arm *arm;

    if (hx_catalogue_scenario(catalogue, cell->scenario) == NULL)
        return "no such scenario";
    if (backend == NULL)
        return "no such backend";
    arm = find_arm(backend, cell->arm);
    if (arm == NULL)
        return "no such arm";
    return arm->reason[0] == '\0' ? NULL : arm->reason;
}

static bool cell_known(const struct hx_gate *gate, const struct hx_cell *cell)
{
    for (size_t i = 0; i < gate->cell_count; i++) {
        if (hx_cell_same(&gate->cells[i].cell, cell))
            return true;
    }
    for (size_t i = 0; i < gate->lonely_count; i++) {
        if (hx_cell_same(&gate->lonely[i].cell, cell))
            return true;
    }
    return false;
}

/* Instructions are counted for our own allocator and the floor: what others allocate with does not change between revisions. */
static bool cell_counted(const struct hx_cell *cell, const struct hx_backend *backend)
{
    const char *worker = strrchr(backend->worker_path, '/');

    worker = worker == NULL ? backend->worker_path : worker + 1;
    return cell->threads == 1 && backend->preload_path == NULL &&
           (strcmp(worker, "worker-arena") == 0 || strcmp(worker, "worker-gcheap") == 0 || strcmp(worker, "worker-bump") == 0);
}

static void add_cell(struct hx_gate *gate, const struct hx_cell *cell)
{
    struct hx_gate_cell *added;

    gate->cells = hx_grow(gate->cells, gate->cell_count + 1, sizeof *gate->cells);
    added = &gate->cells[gate->cell_count];
    memset(added, 0, sizeof *added);
    added->cell = *cell;
    added->cell.index = (unsigned)gate->cell_count;
    for (int side = 0; side < HX_SIDES; side++)
        added->backend[side] = hx_catalogue_backend(&gate->catalogue[side], cell->backend);
    added->counted = gate->options.counts && cell_counted(cell, added->backend[HX_SIDE_HEAD]);
    added->unit_count = gate->options.times ? gate->metric_count : 0;
    for (size_t i = 0; i < added->unit_count; i++)
        hx_decide_unit_init(&added->unit[i]);
    gate->cell_count++;
}

static void add_lonely(struct hx_gate *gate, const struct hx_cell *cell, enum hx_side missing_on, const char *reason)
{
    struct hx_gate_lonely *added;

    gate->lonely = hx_grow(gate->lonely, gate->lonely_count + 1, sizeof *gate->lonely);
    added = &gate->lonely[gate->lonely_count++];
    memset(added, 0, sizeof *added);
    added->cell = *cell;
    added->missing_on = missing_on;
    snprintf(added->reason, sizeof added->reason, "%s", reason);
}

static void add_plan(struct hx_gate *gate, const struct hx_plan *plan)
{
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct hx_cell *cell = &plan->cells[i];
        const char *reason[HX_SIDES];

        if (cell_known(gate, cell))
            continue;
        for (int side = 0; side < HX_SIDES; side++)
            reason[side] = cannot_run(&gate->catalogue[side], cell);
        if (reason[HX_SIDE_BASE] == NULL && reason[HX_SIDE_HEAD] == NULL)
            add_cell(gate, cell);
        else if (reason[HX_SIDE_BASE] != NULL)
            add_lonely(gate, cell, HX_SIDE_BASE, reason[HX_SIDE_BASE]);
        else
            add_lonely(gate, cell, HX_SIDE_HEAD, reason[HX_SIDE_HEAD]);
    }
}

/* Whether two files hold the same bytes; false also when one cannot be read. */
static bool same_file(const char *a, const char *b)
{
    char chunk[2][16 * 1024];
    FILE *file[2] = {fopen(a, "rbe"), fopen(b, "rbe")};
    bool same = file[0] != NULL && file[1] != NULL;

    while (same) {
        size_t got[2];

        for (int i = 0; i < 2; i++)
            got[i] = fread(chunk[i], 1, sizeof chunk[i], file[i]);
        same = got[0] == got[1] && memcmp(chunk[0], chunk[1], got[0]) == 0 && !ferror(file[0]) && !ferror(file[1]);
        if (got[0] == 0)
            break;
    }
    for (int i = 0; i < 2; i++) {
        if (file[i] != NULL)
            fclose(file[i]);
    }
    return same;
}

static bool load_side(struct hx_gate *gate, enum hx_side side, struct hx_error *error)
{
    struct hx_catalogue *catalogue = &gate->catalogue[side];
    struct hx_allocator malloc_named;

    if (!hx_catalogue_load(gate->options.bin[side], catalogue, error))
        return false;
    for (size_t i = 0; i < gate->options.allocator_count; i++) {
        if (!hx_allocator_parse(gate->options.allocator[i], &malloc_named, error) ||
            !hx_catalogue_add_malloc(catalogue, &malloc_named, true, error))
            return false;
    }
    if (hx_catalogue_backend(catalogue, "malloc") != NULL && hx_catalogue_backend(catalogue, "mimalloc") == NULL &&
        hx_allocator_find("mimalloc", &malloc_named, NULL))
        return hx_catalogue_add_malloc(catalogue, &malloc_named, false, error);
    return true;
}

bool hx_gate_cells_make(struct hx_gate *gate, struct hx_error *error)
{
    for (int side = 0; side < HX_SIDES; side++) {
        if (!load_side(gate, side, error))
            return false;
    }
    for (int side = HX_SIDES - 1; side >= 0; side--) { /* head's order is the order of the report */
        struct hx_plan plan;

        if (!hx_plan_make(&gate->catalogue[side], &gate->options.settings, &plan, error))
            return false;
        add_plan(gate, &plan);
        hx_plan_free(&plan);
    }
    for (size_t i = 0; i < gate->cell_count; i++) {
        struct hx_gate_cell *cell = &gate->cells[i];

        cell->same_binary = same_file(cell->backend[HX_SIDE_BASE]->worker_path, cell->backend[HX_SIDE_HEAD]->worker_path);
    }
    if (gate->cell_count * gate->metric_count > HX_DECIDE_UNITS_MAX)
        return hx_fail(error, "%zu cells are more than one gate can judge (%d)", gate->cell_count, HX_DECIDE_UNITS_MAX);
    if (gate->cell_count + gate->lonely_count == 0)
        return hx_fail(error, "the filters leave no cell to compare");
    return true;
}

void hx_gate_free(struct hx_gate *gate)
{
    for (int side = 0; side < HX_SIDES; side++)
        hx_catalogue_free(&gate->catalogue[side]);
    free(gate->cells);
    free(gate->lonely);
    free(gate->valgrind);
    free(gate->options.input);
    free(gate->options.allocator);
    hx_buffer_free(&gate->samples);
    pthread_mutex_destroy(&gate->lock);
}
