/* hx_list.c - see hx_list.h. */
#include "worker/hx_list.h"

#include <string.h>

#include "base/hx_text.h"
#include "worker/hx_job.h"

/* Arms of one backend follow each other in the backend's table. */
static void write_backends(struct hx_text *text) {
    hx_json_array(text, "backends");
    size_t start = 0;
    while (start < hx_glue_arm_count) {
        const char *name = hx_glue_arms[start].backend;
        size_t end = start;
        while (end < hx_glue_arm_count && strcmp(hx_glue_arms[end].backend, name) == 0) {
            end++;
        }
        hx_json_object(text, NULL);
        hx_json_string(text, "name", name);
        if (hx_glue_memory != NULL) {
            hx_json_string(text, "memory", hx_glue_memory);
        }
        hx_json_array(text, "arms");
        for (size_t i = start; i < end; i++) {
            if (hx_glue_absent(&hx_glue_arms[i]) == NULL) {
                hx_json_string(text, NULL, hx_glue_arms[i].arm);
            }
        }
        hx_json_close(text);
        hx_json_array(text, "absent");
        for (size_t i = start; i < end; i++) {
            if (hx_glue_absent(&hx_glue_arms[i]) != NULL) {
                hx_json_object(text, NULL);
                hx_json_string(text, "arm", hx_glue_arms[i].arm);
                hx_json_string(text, "reason", hx_glue_absent(&hx_glue_arms[i]));
                hx_json_close(text);
            }
        }
        hx_json_close(text);
        if (hx_glue_threads_absent != NULL) {
            hx_json_string(text, "threads_absent", hx_glue_threads_absent);
        }
        if (hx_glue_huge_absent != NULL) {
            hx_json_string(text, "huge_absent", hx_glue_huge_absent);
        }
        hx_json_close(text);
        start = end;
    }
    hx_json_close(text);
}

static void write_dials(struct hx_text *text, const struct sc_info *info) {
    static const char *const profiles[SC_PROFILE_COUNT] = {"quick", "full", "gate"};
    static const char *const pages[SC_PAGES_COUNT] = {"4k", "huge"};
    hx_json_object(text, "dials");
    for (unsigned i = 0; i < SC_PROFILE_COUNT; i++) {
        hx_json_object(text, profiles[i]);
        for (unsigned j = 0; j < SC_PAGES_COUNT; j++) {
            const struct sc_dial *dial = &info->dials[i][j];
            if (dial->blocks == 0) {
                continue; /* this profile does not run this page mode */
            }
            hx_json_object(text, pages[j]);
            hx_json_double(text, "scale", dial->scale);
            hx_json_u64(text, "cycles_per_block", dial->cycles_per_block);
            hx_json_u64(text, "blocks", dial->blocks);
            hx_json_close(text);
        }
        hx_json_close(text);
    }
    hx_json_close(text);
}

static void write_scenarios(struct hx_text *text) {
    hx_json_array(text, "scenarios");
    for (size_t i = 0; i < sc_table_count; i++) {
        const struct sc_info *info = sc_table[i]->info;
        if (i > 0 && strcmp(sc_table[i - 1]->info->name, info->name) == 0) {
            continue; /* another compiled form of the same scenario */
        }
        hx_json_object(text, NULL);
        hx_json_string(text, "name", info->name);
        hx_json_string(text, "why", info->why);
        hx_json_bool(text, "needs_input", info->needs_input);
        hx_json_bool(text, "zeroed", info->zeroed);
        if (info->rate_per_s > 0) {
            hx_json_double(text, "rate_per_s", info->rate_per_s);
        }
        hx_json_u64(text, "threads_max", info->threads_max != 0 ? info->threads_max : HX_ASK_PUS_MAX);
        if (info->backends != NULL) {
            hx_json_string(text, "backends", info->backends);
        }
        if (info->arms != NULL) {
            hx_json_string(text, "arms", info->arms);
        }
        hx_json_array(text, "default_input");
        for (const char *const *path = info->default_input; path != NULL && *path != NULL; path++) {
            hx_json_string(text, NULL, *path);
        }
        hx_json_close(text);
        write_dials(text, info);
        hx_json_close(text);
    }
    hx_json_close(text);
}

void hx_list_write(struct hx_text *text) {
    hx_json_object(text, NULL);
    hx_json_u64(text, "protocol", HX_PROTOCOL_VERSION);
    hx_json_string(text, "worker", hx_glue_worker);
    hx_json_string(text, "version", HX_VERSION);
    write_backends(text);
    write_scenarios(text);
    hx_json_close(text);
    hx_text_put(text, "\n");
}
