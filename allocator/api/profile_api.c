/* profile_api.c - the public functions of ua_profile.h: argument checks, then one call down. Docstrings are there. */
#include "include/ua_profile.h"

#include <errno.h>
#include <fcntl.h>

#include "debug/watcher.h"

static struct ua_profile *need_profile(struct ua_heap *heap, const char *call)
{
    struct ua_watcher *watcher;

    if (heap == NULL)
        ua_fatal_call(call, "the heap is NULL");
    watcher = ua_watcher_of(heap);
    if (watcher != NULL && watcher->profiles)
        return &watcher->profile;
    ua_error_set(EINVAL, "no profile is kept of this heap: option profile_rate is off");
    return NULL;
}

static int fail(int error, const char *message)
{
    if (error == 0)
        return 0;
    ua_error_set(error, message);
    return -1;
}

int ua_profile_write(struct ua_heap *heap, const char *path)
{
    struct ua_profile *profile = need_profile(heap, "ua_profile_write");

    if (path == NULL)
        ua_fatal_call("ua_profile_write", "the path is NULL");
    if (profile == NULL)
        return -1;
    return fail(ua_profile_write_path_to(profile, path), "ua_profile_write: the file cannot be written or renamed");
}

int ua_profile_write_fd(struct ua_heap *heap, int fd)
{
    struct ua_profile *profile = need_profile(heap, "ua_profile_write_fd");

    if (profile == NULL)
        return -1;
    return fail(ua_profile_write_fd_to(profile, fd), "ua_profile_write_fd: the descriptor cannot be written");
}

int ua_trace_start(struct ua_heap *heap, int fd)
{
    if (heap == NULL)
        ua_fatal_call("ua_trace_start", "the heap is NULL");
    if (fd < 0 || fcntl(fd, F_GETFD) < 0)
        return fail(EBADF, "ua_trace_start: not an open descriptor");
    if (ua_watcher_of(heap) == NULL && !ua_watcher_start(heap, 0))
        return fail(ENOMEM, "ua_trace_start: no memory for the trace");
    __atomic_store_n(&ua_watcher_of(heap)->trace_fd, fd, __ATOMIC_RELAXED);
    return 0;
}

uint64_t ua_trace_stop(struct ua_heap *heap)
{
    struct ua_watcher *watcher;

    if (heap == NULL)
        ua_fatal_call("ua_trace_stop", "the heap is NULL");
    watcher = ua_watcher_of(heap);
    if (watcher == NULL)
        return 0;
    __atomic_store_n(&watcher->trace_fd, -1, __ATOMIC_RELAXED);
    return __atomic_load_n(&watcher->trace_lost_count, __ATOMIC_RELAXED);
}
