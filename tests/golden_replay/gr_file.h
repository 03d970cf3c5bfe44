/* gr_file.h - one golden file in memory, line by line, and the one place that reports a mismatch.
 *
 * Why: five formats share three needs: text that may be compressed, a line counter, and "the first mismatch, once". */
#ifndef TESTS_GOLDEN_REPLAY_GR_FILE_H
#define TESTS_GOLDEN_REPLAY_GR_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct gr_file {
    char *path;          /* owned */
    const char *shown;   /* path below DIR; points into path */
    const char *folder;  /* DIR, where types.json is looked for; not owned */
    char *text;          /* owned, NUL-terminated, plain (already decompressed) */
    size_t length_bytes;
    char *cursor;        /* next unread line */
    int line;            /* number of the line last returned, from 1 */
    bool failed;
};

/* Reads path (zstd when it ends in .zst). False, with errno-like text in *reason, when it cannot be read. */
bool gr_file_load(struct gr_file *f, const char *path, const char *folder, const char **reason);
void gr_file_unload(struct gr_file *f);

/* The next line without its newline, or NULL at the end. Writes into the text: each line is returned once. */
char *gr_file_next(struct gr_file *f);
/* The next line as a JSON object (owned by the caller), or NULL at the end; a malformed line fails the file. */
json_t *gr_file_next_json(struct gr_file *f);

/* Prints FILE:LINE: message for the first mismatch of a file only. Always returns false. */
bool gr_fail(struct gr_file *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The text of a string member, or NULL. */
const char *gr_string(const json_t *object, const char *key);

/* Sets *count to the member, if there is one; false when it is no number from 0 up. */
bool gr_count(const json_t *object, const char *key, size_t *count);

#endif
