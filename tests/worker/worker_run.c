/* worker_run.c - see worker_run.h. */
#include "worker/worker_run.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char iso[] = "/usr/share/iso-codes/json/iso_15924.json";

static const char *in_folder(const char *variable, const char *name) {
    static char paths[16][512];
    static unsigned next;
    const char *folder = getenv(variable);
    if (folder == NULL) {
        fail_msg("%s is not set: run by ctest", variable);
    }
    char *path = paths[next++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

const char *worker_path(const char *name) {
    return in_folder("AB_BIN", name);
}

const char *planted_path(const char *name) {
    return in_folder("AB_PLANTED", name);
}

struct ask ask_of(const char *worker, const char *pass, const char *scenario, const char *backend, const char *arm) {
    return (struct ask){.worker = worker_path(worker), .pass = pass, .scenario = scenario, .backend = backend, .arm = arm,
                        .pages = "huge", .options = "-", .scale = 0.05, .cycles_per_block = 1, .blocks = 3, .seed = "1", .threads = 1};
}

char *ask_json(const struct ask *ask) {
    char input[512];
    snprintf(input, sizeof input, strcmp(ask->scenario, "json_dom") == 0 ? "[\"%s\"]" : "[]", iso);
    enum { REQUEST_BYTES = 4096 };
    char *json = malloc(REQUEST_BYTES);
    assert_non_null(json);
    int bytes = snprintf(json, REQUEST_BYTES,
                 "{\"protocol\":1,\"pass\":\"%s\",\"scenario\":\"%s\",\"backend\":\"%s\",\"arm\":\"%s\",\"threads\":%u,"
                 "\"pages\":\"%s\",\"options\":\"%s\",\"scale\":%g,\"cycles_per_block\":%u,\"blocks\":%u,\"seed\":%s,\"rep\":2,"
                 "\"order\":17,\"pus\":%s,\"input\":%s,\"events\":%s,\"event_group\":0,\"litter\":%s%s%s}",
                 ask->pass, ask->scenario, ask->backend, ask->arm, ask->threads, ask->pages, ask->options, ask->scale, ask->cycles_per_block,
                 ask->blocks, ask->seed, ask->pus != NULL ? ask->pus : "null", ask->input != NULL ? ask->input : input,
                 ask->events != NULL ? ask->events : "[]", ask->litter != NULL ? "\"" : "",
                 ask->litter != NULL ? ask->litter : "null", ask->litter != NULL ? "\"" : "");
    assert_true(bytes > 0 && bytes < REQUEST_BYTES);
    return json;
}

static char *read_all(int fd) {
    size_t used = 0, capacity = 1 << 16;
    char *text = malloc(capacity);
    ssize_t got;
    while (text != NULL && (got = read(fd, text + used, capacity - used - 1)) > 0) {
        used += (size_t)got;
        if (capacity - used < 2) {
            capacity *= 2;
            text = realloc(text, capacity);
        }
    }
    if (text == NULL) {
        fail_msg("no memory");
        return NULL;
    }
    text[used] = '\0';
    close(fd);
    return text;
}

static int temporary(void) {
    char name[] = "/tmp/worker_run.XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    unlink(name);
    return fd;
}

void worker_run(const char *worker, const char *verb, const char *argument, const char *preload, struct answer *out) {
    /* Files, not pipes: neither side can block the other. Kept away from 0..3. */
    int observation = fcntl(temporary(), F_DUPFD, 10);
    int error = fcntl(temporary(), F_DUPFD, 10);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(observation, strcmp(verb, "--list") == 0 ? 1 : 3);
        dup2(error, 2);
        if (preload != NULL) {
            setenv("LD_PRELOAD", preload, 1);
        }
        alarm(30); /* a planted backend may well loop for ever */
        execl(worker, worker, verb, argument, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    assert_true(waitpid(child, &status, 0) == child);
    lseek(observation, 0, SEEK_SET);
    lseek(error, 0, SEEK_SET);
    out->exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    out->line = read_all(observation);
    out->error = read_all(error);
    out->observation = json_loads(out->line, JSON_REJECT_DUPLICATES, NULL);
}

void worker_ask(const struct ask *ask, struct answer *out) {
    char *json = ask_json(ask);
    worker_run(ask->worker, "--observe", json, ask->preload, out);
    free(json);
}

void answer_free(struct answer *answer) {
    free(answer->line);
    free(answer->error);
    json_decref(answer->observation);
}

void answer_sound(const struct answer *answer) {
    if (answer->exit_code != 0 || answer->observation == NULL) {
        fail_msg("exit %d: %s", answer->exit_code, answer->error);
    }
}

const char *answer_word(const struct answer *answer, const char *key) {
    const char *word = json_string_value(json_object_get(answer->observation, key));
    if (word == NULL) {
        fail_msg("no word \"%s\" in %s", key, answer->line);
        return "";
    }
    return word;
}

double answer_metric(const struct answer *answer, const char *phase, const char *metric) {
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(answer->observation, "metrics"), i, row) {
        if (strcmp(json_string_value(json_object_get(row, "metric")), metric) == 0 &&
            strcmp(json_string_value(json_object_get(row, "phase")), phase) == 0) {
            if (!json_is_number(json_object_get(row, "value"))) {
                fail_msg("%s/%s is null: %s", phase, metric, json_string_value(json_object_get(row, "reason")));
            }
            return json_number_value(json_object_get(row, "value"));
        }
    }
    fail_msg("no metric %s/%s", phase, metric);
    return 0;
}

const char *temporary_file(const char *name, const void *bytes, size_t count) {
    static char folder[64];
    static char path[256];
    if (folder[0] == '\0') {
        snprintf(folder, sizeof folder, "/tmp/worker_test.XXXXXX");
        assert_non_null(mkdtemp(folder));
    }
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
    return path;
}
