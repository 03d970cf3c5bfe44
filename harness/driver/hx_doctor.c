/* hx_doctor.c - `arenabench doctor`: each fact about the machine, a verdict, and what to do about it. Changes nothing. */
#include "driver/hx_drive.h"

#include "measure/hx_attest.h"

#include <stdio.h>
#include <stdlib.h>

static json_t *doctor_object(const struct hx_attest *attest) {
    json_t *lines = json_array(), *root = json_object();
    for (size_t i = 0; i < attest->line_count; i++) {
        const struct hx_attest_line *line = &attest->line[i];
        json_t *one = json_object();
        hx_tree_put(one, "key", hx_tree_word(line->key));
        hx_tree_put(one, "value", line->reason == NULL ? hx_tree_word(line->value) : json_null());
        hx_tree_put(one, "reason", line->reason == NULL ? json_null() : hx_tree_word(line->reason));
        hx_tree_put(one, "verdict", hx_tree_word(hx_verdict_name(line->verdict)));
        hx_tree_put(one, "advice", line->advice[0] != '\0' ? hx_tree_word(line->advice) : json_null());
        HX_CHECK(json_array_append_new(lines, one) == 0);
    }
    hx_tree_put(root, "lines", lines);
    hx_tree_put(root, "verdict", hx_tree_word(hx_verdict_name(hx_attest_verdict(attest))));
    return root;
}

/* What the whole means for a run. */
static const char *meaning(enum hx_verdict verdict) {
    switch (verdict) {
    case HX_VERDICT_OK: return "nothing here stands in the way of a measurement";
    case HX_VERDICT_NOTE: return "fit to measure; each note says what it costs and what to do about it";
    case HX_VERDICT_UNFIT: break;
    }
    return "times taken now would say little (bytes, faults and instructions still do); mend the lines marked unfit";
}

static void print_text(const struct hx_attest *attest) {
    for (size_t i = 0; i < attest->line_count; i++) {
        const struct hx_attest_line *line = &attest->line[i];
        (void)printf("%-5s  %-22s %s%s%s%s%s\n", hx_verdict_name(line->verdict), line->key, line->reason == NULL ? line->value : "none (",
                     line->reason == NULL ? "" : line->reason, line->reason == NULL ? "" : ")", line->advice[0] != '\0' ? "  -> " : "",
                     line->advice);
    }
    enum hx_verdict verdict = hx_attest_verdict(attest);
    (void)printf("verdict: %s: %s\n", hx_verdict_name(verdict), meaning(verdict));
}

int hx_verb_doctor(const struct hx_options *options) {
    struct hx_attest *attest = hx_alloc(sizeof *attest);
    hx_attest_read(attest, options->root);
    hx_identity_cores(attest);
    hx_identity_allocators(attest);
    if (options->json) {
        char *text = hx_tree_dump_pretty(doctor_object(attest));
        (void)fputs(text, stdout);
        free(text);
    } else {
        print_text(attest);
    }
    int code = hx_attest_verdict(attest) == HX_VERDICT_UNFIT ? HX_EXIT_UNFIT : HX_EXIT_OK;
    free(attest);
    return fflush(stdout) == 0 ? code : HX_EXIT_ERROR;
}
