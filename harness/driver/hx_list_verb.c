/* hx_list_verb.c - `arenabench list`: what this build can run, and what it cannot here, with the reason. */
#include "driver/hx_drive.h"

#include <stdio.h>
#include <stdlib.h>

static json_t *list_object(const struct hx_catalogue *catalogue) {
    json_t *scenarios = json_array(), *backends = json_array(), *root = json_object();
    for (size_t i = 0; i < catalogue->scenario_count; i++) {
        json_t *one = json_object();
        hx_tree_put(one, "name", hx_tree_word(catalogue->scenarios[i].name));
        hx_tree_put(one, "why", hx_tree_word(catalogue->scenarios[i].why));
        hx_tree_put(one, "needs_input", json_boolean(catalogue->scenarios[i].needs_input));
        hx_tree_put(one, "threads_max", json_integer(catalogue->scenarios[i].threads_max));
        HX_CHECK(json_array_append_new(scenarios, one) == 0);
    }
    for (size_t i = 0; i < catalogue->backend_count; i++) {
        const struct hx_backend *backend = &catalogue->backends[i];
        json_t *one = json_object(), *arms = json_array();
        for (size_t a = 0; a < backend->arm_count; a++) {
            const char *reason = backend->missing != NULL ? backend->missing : backend->arms[a].reason;
            json_t *arm = json_object();
            hx_tree_put(arm, "name", hx_tree_word(backend->arms[a].name));
            hx_tree_put(arm, "reason", reason[0] != '\0' ? hx_tree_word(reason) : json_null());
            HX_CHECK(json_array_append_new(arms, arm) == 0);
        }
        hx_tree_put(one, "name", hx_tree_word(backend->name));
        hx_tree_put(one, "arms", arms);
        hx_tree_put(one, "library", backend->preload_path != NULL ? hx_tree_word(backend->preload_path) : json_null());
        HX_CHECK(json_array_append_new(backends, one) == 0);
    }
    hx_tree_put(root, "scenarios", scenarios);
    hx_tree_put(root, "backends", backends);
    return root;
}

static void print_text(const struct hx_catalogue *catalogue) {
    (void)printf("scenarios\n");
    for (size_t i = 0; i < catalogue->scenario_count; i++) {
        (void)printf("  %-22s %s\n", catalogue->scenarios[i].name, catalogue->scenarios[i].why);
    }
    (void)printf("backends and arms\n");
    for (size_t i = 0; i < catalogue->backend_count; i++) {
        const struct hx_backend *backend = &catalogue->backends[i];
        (void)printf("  %-22s", backend->name);
        for (size_t a = 0; a < backend->arm_count; a++) {
            const char *reason = backend->missing != NULL ? backend->missing : backend->arms[a].reason;
            (void)printf(" %s%s%s%s", backend->arms[a].name, reason[0] != '\0' ? " (" : "", reason, reason[0] != '\0' ? ")" : "");
        }
        (void)printf("%s%s\n", backend->preload_path != NULL ? "   preloads " : "", backend->preload_path != NULL ? backend->preload_path : "");
    }
}

int hx_verb_list(const struct hx_options *options) {
    struct hx_catalogue catalogue;
    struct hx_error error = {{0}};
    if (!hx_load_catalogue(options, &catalogue, &error)) {
        hx_warn("%s", error.line);
        return HX_EXIT_ERROR;
    }
    if (options->json) {
        char *text = hx_tree_dump_pretty(list_object(&catalogue));
        (void)fputs(text, stdout);
        free(text);
    } else {
        print_text(&catalogue);
    }
    hx_catalogue_free(&catalogue);
    return fflush(stdout) == 0 ? HX_EXIT_OK : HX_EXIT_ERROR;
}
