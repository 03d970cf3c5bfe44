/* main.c - golden_replay DIR: replays every golden file under DIR against this allocator.
 *
 * Why a program and not a test: other vectors of the same formats must be replayable wherever they lie. A file is known
 * by what it says in its first line, never by its name; .zst files are read directly. Exit 0: all passed; 1: something
 * differs; 5: DIR is missing or holds no golden file. */
#define _GNU_SOURCE /* nftw */

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gr_file.h"
#include "gr_pacer.h"
#include "gr_bitmap.h"
#include "gr_steps.h"

#define EXIT_DIFFERS 1
#define EXIT_BAD_INPUT 5
#define OPEN_DIRECTORIES_MAX 16

struct paths {
    char **items;
    size_t count;
    size_t capacity;
};

/* nftw() has no argument for its caller's state. */
static struct paths found;

static int note_path(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)where;
    if (kind != FTW_F)
        return 0;
    if (found.count == found.capacity) {
        size_t capacity = found.capacity * 2 + 64;
        char **grown = realloc(found.items, capacity * sizeof *grown);

        if (grown == NULL)
            return -1;
        found.items = grown;
        found.capacity = capacity;
    }
    found.items[found.count] = strdup(path);
    return found.items[found.count++] == NULL ? -1 : 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool has_extension(const char *path, const char *extension)
{
    size_t length = strlen(path);
    size_t wanted = strlen(extension);

    if (length > 4 && strcmp(path + length - 4, ".zst") == 0)
        length -= 4;
    return length > wanted && strncmp(path + length - wanted, extension, wanted) == 0;
}

typedef bool (*replay_fn)(struct gr_file *);

/* NULL when no known format starts like this. */
static replay_fn replay_for_json(const char *text)
{
    json_error_t error;
    json_t *first = json_loads(text, JSON_DISABLE_EOF_CHECK, &error);
    const char *op = gr_string(first, "op");
    replay_fn replay = NULL;

    if (op != NULL && json_is_object(json_object_get(first, "in")))
        replay = gr_replay_pacer_ops;
    else if (op != NULL && strcmp(op, "pacer_init") == 0)
        replay = gr_replay_pacer_log;
    else if (op != NULL && strcmp(op, "bitmap") == 0)
        replay = gr_replay_bitmaps;
    else if (op != NULL && strcmp(op, "begin") == 0)
        replay = gr_replay_steps;
    json_decref(first);
    return replay;
}

static replay_fn replay_for_csv(const char *text)
{
    if (strncmp(text, "# op,args", strlen("# op,args")) == 0)
        return gr_replay_pacer_trace;
    if (strncmp(text, "# scenario,op,type", strlen("# scenario,op,type")) == 0)
        return gr_replay_bitmap_csv;
    return NULL;
}

struct tally {
    int passed;
    int failed;
};

static void replay_file(const char *path, const char *folder, struct tally *tally)
{
    struct gr_file file;
    const char *reason = NULL;
    replay_fn replay = NULL;
    bool json = has_extension(path, ".jsonl");

    if (!json && !has_extension(path, ".csv"))
        return;
    if (!gr_file_load(&file, path, folder, &reason)) {
        printf("FAIL %s: %s\n", file.shown, reason);
        tally->failed++;
        gr_file_unload(&file);
        return;
    }
    replay = json ? replay_for_json(file.text) : replay_for_csv(file.text);
    if (replay == NULL) {
        printf("FAIL %s: its first line is of no known format\n", file.shown);
        tally->failed++;
    } else if (replay(&file)) {
        printf("ok   %s: %d lines\n", file.shown, file.line);
        tally->passed++;
    } else {
        tally->failed++;
    }
    gr_file_unload(&file);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct tally tally = {0, 0};
    struct stat status;

    if (argc < 2) {
        fprintf(stderr, "golden_replay: usage: golden_replay DIR [OPTION=VALUE...]\n");
        return EXIT_BAD_INPUT;
    }
    for (int i = 2; i < argc; i++)
        if (gr_heap_setting(argv[i]) != 0) {
            fprintf(stderr, "golden_replay: '%s' is not OPTION=VALUE (options as ua_options_set takes them)\n", argv[i]);
            return EXIT_BAD_INPUT;
        }
    if (stat(argv[1], &status) != 0 || nftw(argv[1], note_path, OPEN_DIRECTORIES_MAX, FTW_PHYS) != 0) {
        fprintf(stderr, "golden_replay: '%s': no such directory, or it cannot be read\n", argv[1]);
        return EXIT_BAD_INPUT;
    }
    qsort(found.items, found.count, sizeof found.items[0], by_name);
    for (size_t i = 0; i < found.count; i++) {
        replay_file(found.items[i], argv[1], &tally);
        free(found.items[i]);
    }
    free(found.items);
    if (tally.passed + tally.failed == 0) {
        fprintf(stderr, "golden_replay: '%s': holds no golden file (.jsonl, .csv, also .zst)\n", argv[1]);
        return EXIT_BAD_INPUT;
    }
    printf("%d passed, %d failed\n", tally.passed, tally.failed);
    return tally.failed == 0 ? EXIT_SUCCESS : EXIT_DIFFERS;
}
