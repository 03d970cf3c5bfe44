/* hx_rundir.c - see hx_rundir.h. */
#include "record/hx_rundir.h"

#include "base/hx_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

static const char plan_name[] = "plan.json";
static const char journal_name[] = "observations.jsonl";

/* Removes the folders that make_folders made, innermost first; one that is no longer empty stays. */
static void remove_made(char *path, size_t kept_bytes) {
    while (strlen(path) > kept_bytes && rmdir(path) == 0) {
        char *slash = strrchr(path, '/');
        if (slash == NULL || slash == path) {
            return;
        }
        *slash = '\0';
    }
}

/* mkdir -p. *kept_bytes becomes the length of the part that was there before. */
static int make_folders(const char *path, size_t *kept_bytes) {
    char *copy = hx_dup(path);
    size_t length = strlen(copy);
    while (length > 1 && copy[length - 1] == '/') {
        copy[--length] = '\0';
    }
    *kept_bytes = length;
    bool made_any = false;
    int problem = 0;
    for (size_t at = 1; at <= length && problem == 0; at++) {
        if (copy[at] != '/' && copy[at] != '\0') {
            continue;
        }
        char saved = copy[at];
        copy[at] = '\0';
        if (mkdir(copy, 0755) == 0) {
            if (!made_any) {
                char *slash = strrchr(copy, '/');
                *kept_bytes = slash == NULL ? 0 : (size_t)(slash - copy);
            }
            made_any = true;
        } else if (errno != EEXIST) {
            problem = errno;
            if (made_any) {
                char *slash = strrchr(copy, '/');
                if (slash != NULL) {
                    *slash = '\0';
                    remove_made(copy, *kept_bytes);
                }
            }
        }
        copy[at] = saved;
    }
    free(copy);
    return problem;
}

static int is_real_entry(const struct dirent *entry) {
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* 0 when the folder holds nothing, ENOTEMPTY, or why it cannot be read. */
static int check_empty(const char *path) {
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_real_entry, NULL);
    if (count < 0) {
        return errno;
    }
    for (int i = 0; i < count; i++) {
        free(entries[i]);
    }
    free(entries);
    return count == 0 ? 0 : ENOTEMPTY;
}

static char *inside(const struct hx_rundir *run, const char *name) {
    return hx_print("%s/%s", run->path, name);
}

/* Opens the journal (made when `create`) and takes the lock that keeps a second driver out. */
static bool open_journal(struct hx_rundir *run, bool create, struct hx_error *error) {
    char *path = inside(run, journal_name);
    run->journal_fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | (create ? O_CREAT | O_EXCL : 0), 0644);
    bool good = run->journal_fd >= 0 || hx_fail(error, "%s: %s", path, strerror(errno));
    if (good && flock(run->journal_fd, LOCK_EX | LOCK_NB) != 0) {
        good = hx_fail(error, "%s: %s", path, errno == EWOULDBLOCK ? "another arenabench is at work in this folder" : strerror(errno));
    }
    free(path);
    return good;
}

bool hx_rundir_create(const char *path, const char *plan_text, struct hx_rundir *out, struct hx_error *error) {
    *out = (struct hx_rundir){.journal_fd = -1};
    size_t kept_bytes = 0;
    int problem = make_folders(path, &kept_bytes);
    if (problem == 0) {
        problem = check_empty(path);
    }
    if (problem == ENOTEMPTY) {
        return hx_fail(error, "--out %s: the folder is not empty (name an absent or empty one, or --resume it)", path);
    }
    if (problem != 0) {
        return hx_fail(error, "--out %s: %s", path, strerror(problem));
    }
    out->path = hx_dup(path);
    char *plan_path = inside(out, plan_name);
    problem = hx_file_publish(plan_path, plan_text, strlen(plan_text));
    bool good = problem == 0 || hx_fail(error, "%s: %s", plan_path, strerror(problem));
    good = good && open_journal(out, true, error);
    if (!good) {
        (void)unlink(plan_path);
        char *copy = hx_dup(path);
        remove_made(copy, kept_bytes);
        free(copy);
        hx_rundir_close(out);
    }
    free(plan_path);
    return good;
}

/* Cuts a last line that has no newline: the process it belonged to counts as not finished. */
static bool cut_torn_line(struct hx_rundir *run, struct hx_buffer *lines, struct hx_error *error) {
    size_t whole_bytes = lines->size_bytes;
    while (whole_bytes > 0 && lines->data[whole_bytes - 1] != '\n') {
        whole_bytes--;
    }
    if (whole_bytes == lines->size_bytes) {
        return true;
    }
    if (ftruncate(run->journal_fd, (off_t)whole_bytes) != 0) {
        return hx_fail(error, "%s/%s: %s", run->path, journal_name, strerror(errno));
    }
    lines->size_bytes = whole_bytes;
    lines->data[whole_bytes] = '\0';
    return true;
}

bool hx_rundir_open(const char *path, struct hx_rundir *out, struct hx_buffer *plan_text, struct hx_buffer *lines,
                    struct hx_error *error) {
    *out = (struct hx_rundir){.path = hx_dup(path), .journal_fd = -1};
    *plan_text = (struct hx_buffer){0};
    *lines = (struct hx_buffer){0};
    char *plan_path = inside(out, plan_name), *journal_path = inside(out, journal_name), *run_path = inside(out, "run.json");
    bool good = true;
    if (access(plan_path, F_OK) != 0) {
        bool whole = access(run_path, F_OK) == 0;
        good = hx_fail(error, "--resume %s: %s", path, whole ? "this run is complete" : "no unfinished run here (no plan.json)");
    }
    good = good && open_journal(out, false, error) && hx_file_slurp(plan_path, plan_text, error) &&
           hx_file_slurp(journal_path, lines, error) && cut_torn_line(out, lines, error);
    free(plan_path);
    free(journal_path);
    free(run_path);
    out->journal_bytes = lines->size_bytes;
    if (!good) {
        hx_buffer_free(plan_text);
        hx_buffer_free(lines);
        hx_rundir_close(out);
    }
    return good;
}

bool hx_rundir_append(struct hx_rundir *run, const char *line, size_t size_bytes, struct hx_error *error) {
    struct hx_buffer whole = {0};
    hx_buffer_add(&whole, line, size_bytes);
    hx_buffer_add(&whole, "\n", 1);
    ssize_t written;
    do {
        written = write(run->journal_fd, whole.data, whole.size_bytes);
    } while (written < 0 && errno == EINTR);
    /* A short write to a regular file means that the space ended; so may a failing sync, where allocation is delayed. */
    int problem = written < 0 ? errno : (size_t)written < whole.size_bytes ? ENOSPC : 0;
    if (problem == 0 && fdatasync(run->journal_fd) != 0 && errno != EINVAL) {
        problem = errno;
    }
    if (problem == 0) {
        run->journal_bytes += whole.size_bytes;
    }
    hx_buffer_free(&whole);
    if (problem == 0) {
        return true;
    }
    /* Should even this fail, hx_rundir_open cuts the torn line. */
    int cut = ftruncate(run->journal_fd, (off_t)run->journal_bytes);
    return hx_fail(error, "%s/%s: %s%s", run->path, journal_name, strerror(problem), cut == 0 ? "" : " (and its last line is torn)");
}

char *hx_rundir_line(const struct hx_rundir *run, uint64_t offset, size_t size_bytes, struct hx_error *error) {
    char *line = hx_alloc(size_bytes + 1);
    size_t have = 0;
    while (have < size_bytes) {
        ssize_t got = pread(run->journal_fd, line + have, size_bytes - have, (off_t)(offset + have));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            hx_fail(error, "%s/%s: %s", run->path, journal_name, got < 0 ? strerror(errno) : "shorter than it was");
            free(line);
            return NULL;
        }
        have += (size_t)got;
    }
    return line;
}

bool hx_rundir_publish(struct hx_rundir *run, const char *name, const void *data, size_t size_bytes, struct hx_error *error) {
    char *path = inside(run, name);
    const char *slash = strchr(name, '/');
    int problem = 0;
    if (slash != NULL) {
        char *folder = hx_print("%s/%.*s", run->path, (int)(slash - name), name);
        problem = mkdir(folder, 0755) == 0 || errno == EEXIST ? 0 : errno;
        free(folder);
    }
    if (problem == 0) {
        problem = hx_file_publish(path, data, size_bytes);
    }
    bool good = problem == 0 || hx_fail(error, "%s: %s", path, strerror(problem));
    free(path);
    return good;
}

bool hx_rundir_publish_zstd(struct hx_rundir *run, const char *name, const void *data, size_t size_bytes, struct hx_error *error) {
    enum { LEVEL = 6 }; /* a few hundred KiB of numbers: about a tenth of their size, in a millisecond or two */
    size_t capacity_bytes = ZSTD_compressBound(size_bytes);
    void *packed = hx_alloc(capacity_bytes);
    size_t packed_bytes = ZSTD_compress(packed, capacity_bytes, data, size_bytes, LEVEL);
    bool good;
    if (ZSTD_isError(packed_bytes)) {
        good = hx_fail(error, "%s/%s: %s", run->path, name, ZSTD_getErrorName(packed_bytes));
    } else {
        good = hx_rundir_publish(run, name, packed, packed_bytes, error);
    }
    free(packed);
    return good;
}

bool hx_rundir_remove_journal(struct hx_rundir *run, struct hx_error *error) {
    /* The journal first: a plan without one is told apart from a whole run by --resume, the other way round is not. */
    const char *const names[] = {journal_name, plan_name};
    for (size_t i = 0; i < HX_COUNT_OF(names); i++) {
        char *path = inside(run, names[i]);
        int problem = unlink(path) == 0 || errno == ENOENT ? 0 : errno;
        bool good = problem == 0 || hx_fail(error, "%s: %s", path, strerror(problem));
        free(path);
        if (!good) {
            return false;
        }
    }
    return true;
}

void hx_rundir_point_latest(const struct hx_rundir *run) {
    const char *slash = strrchr(run->path, '/');
    const char *own_name = slash == NULL ? run->path : slash + 1;
    char *folder = slash == NULL ? hx_dup(".") : hx_print("%.*s", (int)(slash - run->path), run->path);
    char *latest = hx_print("%s/latest", folder), *temporary = hx_print("%s/.latest.%d", folder, (int)getpid());
    struct stat info;
    bool ours = lstat(latest, &info) != 0 || S_ISLNK(info.st_mode);
    if (ours && symlink(own_name, temporary) == 0 && rename(temporary, latest) != 0) {
        (void)unlink(temporary);
    }
    free(folder);
    free(latest);
    free(temporary);
}

void hx_rundir_close(struct hx_rundir *run) {
    if (run->journal_fd >= 0) {
        (void)close(run->journal_fd);
    }
    free(run->path);
    *run = (struct hx_rundir){.journal_fd = -1};
}

/* Unpacks a whole zstd stream, of known size or not. */
static bool unpack(const char *path, struct hx_buffer *packed, struct hx_buffer *out, struct hx_error *error) {
    ZSTD_DCtx *context = ZSTD_createDCtx();
    if (context == NULL) {
        hx_die("out of memory: zstd");
    }
    char chunk[64 * 1024];
    ZSTD_inBuffer input = {.src = packed->data, .size = packed->size_bytes};
    size_t left = packed->size_bytes == 0 ? 0 : 1;
    bool good = true;
    while (good && left != 0) {
        ZSTD_outBuffer output = {.dst = chunk, .size = sizeof chunk};
        left = ZSTD_decompressStream(context, &output, &input);
        if (ZSTD_isError(left)) {
            good = hx_fail(error, "%s: %s", path, ZSTD_getErrorName(left));
        } else if (output.pos == 0 && input.pos == input.size && left != 0) {
            good = hx_fail(error, "%s: cut short", path);
        } else {
            hx_buffer_add(out, chunk, output.pos);
        }
    }
    (void)ZSTD_freeDCtx(context);
    return good;
}

bool hx_file_slurp(const char *path, struct hx_buffer *out, struct hx_error *error) {
    *out = (struct hx_buffer){0};
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return hx_fail(error, "%s: %s", path, strerror(errno));
    }
    struct hx_buffer bytes = {0};
    char chunk[64 * 1024];
    size_t got;
    while ((got = fread(chunk, 1, sizeof chunk, file)) != 0) {
        hx_buffer_add(&bytes, chunk, got);
    }
    bool good = ferror(file) == 0 || hx_fail(error, "%s: cannot be read", path);
    (void)fclose(file);
    hx_buffer_add(&bytes, "", 0);
    size_t length = strlen(path);
    if (good && length > 4 && strcmp(path + length - 4, ".zst") == 0) {
        good = unpack(path, &bytes, out, error);
        hx_buffer_add(out, "", 0);
        hx_buffer_free(&bytes);
    } else if (good) {
        *out = bytes;
        bytes = (struct hx_buffer){0};
    }
    if (!good) {
        hx_buffer_free(&bytes);
        hx_buffer_free(out);
    }
    return good;
}
