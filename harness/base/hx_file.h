/* hx_file.h - files that are either whole or absent.
 *
 * Why: an interrupted run or a full disk must never leave a file that looks finished. A publisher writes to a temporary name
 * beside the target, syncs it and renames it; on any failure the temporary is removed and the old target is untouched.
 * Threads: any; two publishers of one path in one process get different temporary names. No malloc anywhere. */
#ifndef HX_FILE_H
#define HX_FILE_H

#include "base/hx_base.h"

/* Replaces `path` by `count` bytes, durably. 0, or an errno with the old file (or its absence) unchanged; only when the folder
 * itself could not be synced at the very end is the new file already in place, whole but perhaps not yet durable. */
int hx_file_publish(const char *path, const void *bytes, size_t count);

/* Reads a whole small file (also of /proc and /sys, whose size reads 0) into `buffer` and terminates it; trailing newlines stay.
 * Returns the byte count without the terminator, or -errno: -EFBIG when it does not fit capacity_bytes - 1. */
long hx_file_read(const char *path, char *buffer, size_t capacity_bytes);

/* The same from an open descriptor, from offset 0 by pread. */
long hx_file_read_fd(int fd, char *buffer, size_t capacity_bytes);

/* Joins root and a path beneath it ("/sys/x" below "/" or below a fake tree). False when it does not fit. */
bool hx_path_join(char *out, size_t capacity_bytes, const char *root, const char *below);

#endif
