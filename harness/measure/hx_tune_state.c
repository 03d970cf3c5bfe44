/* hx_tune_state.c - the lock and the state file: what was there before, in a form that a later process can put back.
 *
 *   arenabench-tune 1
 *   pid 4711
 *   boot 5f0c…                       (settings do not outlive a boot: then there is nothing to put back)
 *   governor<TAB>/sys/…/scaling_governor<TAB>powersave<TAB>performance
 *   end
 *
 * It is published whole (temporary name, sync, rename) before the first knob is written. Both files lie in /run, which goes with the
 * settings at a reboot. */
#include "measure/hx_tune_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hx_file.h"
#include "base/hx_text.h"

const char hx_tune_state_path[] = "/run/arenabench.tune";
static const char lock_path[] = "/run/arenabench.tune.lock";
static const char head_line[] = "arenabench-tune 1\n";

enum { FILE_PATH_BYTES = 512, STATE_BYTES_MAX = 1 << 20 };

static void boot_id(const char *root, char out[HX_TUNE_VALUE_BYTES]) {
    char full[FILE_PATH_BYTES];
    if (!hx_path_join(full, sizeof full, root, "/proc/sys/kernel/random/boot_id") ||
        hx_file_read(full, out, HX_TUNE_VALUE_BYTES) <= 0) {
        (void)hx_copy_string(out, HX_TUNE_VALUE_BYTES, "unknown");
    }
    out[strcspn(out, " \t\n")] = '\0';
}

/* ---- lock ---------------------------------------------------------------------------------------------------------------- */

/* The lock file is removed by its holder, so a lock counts only while the name still means the file that was locked. */
static bool still_named(int fd, const char *full) {
    struct stat held, named;
    return fstat(fd, &held) == 0 && stat(full, &named) == 0 && held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

int hx_tune_lock(struct hx_tune *tune, long *holder) {
    char full[FILE_PATH_BYTES];
    char text[32] = "";
    *holder = 0;
    tune->lock_fd = -1;
    if (!hx_path_join(full, sizeof full, tune->root, lock_path)) {
        return ENAMETOOLONG;
    }
    for (;;) {
        int fd = open(full, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0) {
            return errno;
        }
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            int error = errno;
            if (hx_file_read_fd(fd, text, sizeof text) > 0) {
                *holder = strtol(text, NULL, 10);
            }
            (void)close(fd);
            return error;
        }
        if (still_named(fd, full)) {
            int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
            int error = ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)length, 0) == length ? 0 : errno;
            if (error != 0) {
                (void)close(fd);
                return error;
            }
            tune->lock_fd = fd;
            return 0;
        }
        (void)close(fd); /* its holder ended between our open and our lock: again */
    }
}

void hx_tune_unlock(struct hx_tune *tune) {
    char full[FILE_PATH_BYTES];
    if (tune->lock_fd >= 0 && hx_path_join(full, sizeof full, tune->root, lock_path)) {
        (void)unlink(full);
        (void)close(tune->lock_fd);
    }
    tune->lock_fd = -1;
}

/* ---- state file ---------------------------------------------------------------------------------------------------------- */

int hx_tune_state_write(const struct hx_tune *tune, bool changed_only) {
    char full[FILE_PATH_BYTES];
    char boot[HX_TUNE_VALUE_BYTES];
    struct hx_text text;
    if (!hx_path_join(full, sizeof full, tune->root, hx_tune_state_path)) {
        return ENAMETOOLONG;
    }
    if (!hx_text_init(&text, 64 * HX_KIB)) {
        return errno;
    }
    boot_id(tune->root, boot);
    hx_text_format(&text, "%spid %ld\nboot %s\n", head_line, (long)getpid(), boot);
    for (size_t i = 0; i < tune->knob_count; i++) {
        const struct hx_tune_knob *knob = &tune->knob[i];
        if (changed_only ? knob->changed : knob->error == 0 && strcmp(knob->was, knob->want) != 0) {
            hx_text_format(&text, "%s\t%s\t%s\t%s\n", knob->key, knob->path, knob->was, knob->want);
        }
    }
    hx_text_put(&text, "end\n");
    int error = hx_text_finish(&text);
    if (error == 0) {
        error = hx_file_publish(full, text.data, text.used_bytes);
    }
    hx_text_deinit(&text);
    return error;
}

int hx_tune_record(const struct hx_tune *tune) {
    return hx_tune_state_write(tune, false);
}

int hx_tune_state_remove(const char *root) {
    char full[FILE_PATH_BYTES];
    if (!hx_path_join(full, sizeof full, root, hx_tune_state_path)) {
        return ENAMETOOLONG;
    }
    return unlink(full) == 0 || errno == ENOENT ? 0 : errno;
}

/* Only what we could have written ourselves: a word for a file of the kernel's settings. */
static bool sound(const struct hx_tune_knob *knob) {
    bool settings = strncmp(knob->path, "/sys/", 5) == 0 || strncmp(knob->path, "/proc/sys/", 10) == 0;
    return settings && strstr(knob->path, "/../") == NULL && knob->was[0] != '\0';
}

/* "key<TAB>path<TAB>was<TAB>want" */
static bool load_knob(struct hx_tune *tune, char *line) {
    char *field[4];
    char *rest = NULL;
    for (size_t i = 0; i < HX_COUNT_OF(field); i++) {
        field[i] = strtok_r(i == 0 ? line : NULL, "\t", &rest);
        if (field[i] == NULL) {
            return false;
        }
    }
    if (tune->knob_count == HX_TUNE_KNOBS_MAX) {
        return false;
    }
    struct hx_tune_knob *knob = &tune->knob[tune->knob_count];
    *knob = (struct hx_tune_knob){.changed = true};
    bool good = hx_copy_string(knob->key, sizeof knob->key, field[0]) && hx_copy_string(knob->path, sizeof knob->path, field[1]) &&
                hx_copy_string(knob->was, sizeof knob->was, field[2]) && hx_copy_string(knob->want, sizeof knob->want, field[3]) &&
                sound(knob);
    tune->knob_count += good;
    return good;
}

static int load_text(struct hx_tune *tune, char *text) {
    char boot[HX_TUNE_VALUE_BYTES];
    bool ended = false;
    char *rest = NULL;
    if (strncmp(text, head_line, strlen(head_line)) != 0) {
        return EINVAL;
    }
    boot_id(tune->root, boot);
    (void)strtok_r(text, "\n", &rest);
    for (char *line = strtok_r(NULL, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "pid ", 4) == 0) {
            tune->holder = strtol(line + 4, NULL, 10);
        } else if (strncmp(line, "boot ", 5) == 0) {
            tune->another_boot = strcmp(line + 5, boot) != 0;
        } else if (strcmp(line, "end") == 0) {
            ended = true;
        } else if (!load_knob(tune, line)) {
            return EINVAL;
        }
    }
    if (!ended || tune->another_boot) {
        tune->knob_count = 0;
    }
    return 0;
}

int hx_tune_load(struct hx_tune *tune, const char *root) {
    char full[FILE_PATH_BYTES];
    int lock_fd = tune->lock_fd;
    memset(tune, 0, sizeof *tune);
    tune->root = root;
    tune->lock_fd = lock_fd;
    if (!hx_path_join(full, sizeof full, root, hx_tune_state_path)) {
        return ENAMETOOLONG;
    }
    char *text = hx_map(STATE_BYTES_MAX);
    if (text == NULL) {
        return errno;
    }
    long got = hx_file_read(full, text, STATE_BYTES_MAX);
    int error = got < 0 ? (int)-got : load_text(tune, text);
    hx_unmap(text, STATE_BYTES_MAX);
    return error;
}
