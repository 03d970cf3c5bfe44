/* hx_file.c - publish by temporary name, fsync and rename; whole-file reads. Rules: hx_file.h. */
#include "base/hx_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/hx_text.h"

static atomic_uint publish_serial; /* atomic: temporary names of two threads differ */

/* The rename is only durable once the folder is. A file system that cannot sync a folder (EINVAL) is not an error. */
static int folder_sync(const char *path) {
    char folder[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    if (slash != NULL) {
        size_t count = slash == path ? 1 : (size_t)(slash - path); /* the root folder is its own name */
        if (count >= sizeof folder) {
            return ENAMETOOLONG;
        }
        memcpy(folder, path, count);
        folder[count] = '\0';
    }
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    int error = fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
    close(fd);
    return error;
}

static int write_and_sync(int fd, const void *bytes, size_t count) {
    int error = hx_write_all(fd, (const char *)bytes, count);
    if (error == 0 && fsync(fd) != 0 && errno != EINVAL) {
        error = errno;
    }
    if (close(fd) != 0 && error == 0) {
        error = errno; /* a full network file system tells it only here */
    }
    return error;
}

int hx_file_publish(const char *path, const void *bytes, size_t count) {
    char temporary[PATH_MAX];
    unsigned serial = atomic_fetch_add_explicit(&publish_serial, 1, memory_order_relaxed);
    int length = snprintf(temporary, sizeof temporary, "%s.tmp-%ld-%u", path, (long)getpid(), serial);
    if (length < 0 || (size_t)length >= sizeof temporary) {
        return ENAMETOOLONG;
    }
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) {
        return errno;
    }
    int error = write_and_sync(fd, bytes, count);
    if (error == 0 && rename(temporary, path) != 0) {
        error = errno;
    }
    if (error != 0) {
        unlink(temporary);
        return error;
    }
    return folder_sync(path);
}

long hx_file_read_fd(int fd, char *buffer, size_t capacity_bytes) {
    size_t used = 0;
    for (;;) {
        if (used + 1 >= capacity_bytes) {
            return -EFBIG;
        }
        ssize_t got = pread(fd, buffer + used, capacity_bytes - 1 - used, (off_t)used);
        if (got < 0) {
            if (errno == EINTR) {
                continue;
            }
            return -errno;
        }
        if (got == 0) {
            buffer[used] = '\0';
            return (long)used;
        }
        used += (size_t)got;
    }
}

long hx_file_read(const char *path, char *buffer, size_t capacity_bytes) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    long got = hx_file_read_fd(fd, buffer, capacity_bytes);
    close(fd);
    return got;
}

bool hx_path_join(char *out, size_t capacity_bytes, const char *root, const char *below) {
    size_t root_length = strlen(root);
    while (root_length > 0 && root[root_length - 1] == '/') {
        root_length--;
    }
    while (*below == '/') {
        below++;
    }
    int length = snprintf(out, capacity_bytes, "%.*s/%s", (int)root_length, root, below);
    return length >= 0 && (size_t)length < capacity_bytes;
}
