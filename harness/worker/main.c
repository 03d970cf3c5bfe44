/* main.c - one worker program: says what it can run (--list), or makes one observation (--observe REQUEST).
 *
 * Why one process an observation: no pass, arm or allocator leaves anything behind for the next. See docs/PROTOCOL.md 2. */
#include <string.h>
#include <unistd.h>

#include "base/hx_text.h"
#include "worker/hx_job.h"
#include "worker/hx_list.h"

enum { TEXT_BYTES = 256 * 1024 };

static void observe(const char *json) {
    /* Static: a worker has nothing to free, and its stack stays small. */
    static struct hx_ask ask;
    static struct hx_job job;
    static void (*const passes[HX_PASS_COUNT])(struct hx_job *, struct hx_text *) = {
        [HX_PASS_TIME] = hx_pass_time,     [HX_PASS_LATENCY] = hx_pass_latency, [HX_PASS_COUNTERS] = hx_pass_counters,
        [HX_PASS_MEMORY] = hx_pass_memory, [HX_PASS_COUNTS] = hx_pass_counts,   [HX_PASS_PLAN] = hx_pass_plan,
    };
    hx_ask_parse(json, &ask);
    struct hx_text text;
    hx_job_prepare(&job, &ask);
    if (!hx_text_init(&text, TEXT_BYTES)) {
        hx_die("no memory for the observation");
    }
    passes[ask.pass](&job, &text);
    hx_report_end(&text);
}

int main(int argc, char **argv) {
    hx_program_set(hx_glue_worker);
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        struct hx_text text;
        if (!hx_text_init(&text, TEXT_BYTES)) {
            hx_die("no memory for the list");
        }
        hx_list_write(&text);
        int error = hx_text_finish(&text);
        if (error == 0) {
            error = hx_write_all(STDOUT_FILENO, text.data, text.used_bytes);
        }
        if (error != 0) {
            hx_die("the list could not be written: %s", strerror(error));
        }
        return HX_EXIT_OK;
    }
    if (argc == 3 && strcmp(argv[1], "--observe") == 0) {
        observe(argv[2]);
        return HX_EXIT_OK;
    }
    hx_die("unknown arguments%s%s: choose --list or --observe REQUEST", argc > 1 ? ", first " : "", argc > 1 ? argv[1] : "");
}
