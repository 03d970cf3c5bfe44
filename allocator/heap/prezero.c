/* prezero.c - see prezero.h. Only dirty memory is cleared, but for policy chunk, which clears all as Go does. */
#include "heap/prezero.h"

#include <string.h>

#include "os/fence.h"
#include "os/san.h"

void ua_prezero_fresh(struct ua_span *chunk)
{
    chunk->zero = (struct ua_zero_state){.dirty_low = chunk->base, .dirty_high = ua_span_limit(chunk)};
}

void ua_prezero_recycled(struct ua_span *chunk, uintptr_t front, uintptr_t back)
{
    struct ua_zero_state *zero = &chunk->zero;

    /* Beyond what was used, memory cleared in this life is still clear; older dirt reaches as far as it did. */
    zero->dirty_low = zero->dirty_low > zero->zero_low ? ua_max(zero->dirty_low, front) : front;
    zero->dirty_high = zero->dirty_high < zero->zero_high ? ua_min(zero->dirty_high, back) : back;
}

void ua_prezero_rewound(struct ua_span *chunk, uintptr_t to_front, uintptr_t to_back, uintptr_t front, uintptr_t back)
{
    struct ua_zero_state *zero = &chunk->zero;

    ua_prezero_recycled(chunk, front, back);
    zero->zero_low = ua_min(zero->zero_low, to_front);
    zero->zero_high = ua_max(zero->zero_high, to_back);
}

static void clear(const struct ua_prezero *prezero, uintptr_t from, uintptr_t to)
{
    if (from >= to)
        return;
    if (prezero->watched)
        ua_san_open(from, to - from);
    memset((void *)from, 0, to - from);
    ua_fence_publish();
    if (prezero->watched)
        ua_san_poison(from, to - from);
}

/* Clears the dirty parts of [from, to). */
static void clear_dirty(const struct ua_prezero *prezero, const struct ua_span *chunk, uintptr_t from, uintptr_t to)
{
    const struct ua_zero_state *zero = &chunk->zero;

    if (prezero->policy == UA_PREZERO_NONE)
        return;
    if (zero->dirty_high <= zero->dirty_low) {
        clear(prezero, from, to);
        return;
    }
    clear(prezero, from, ua_min(to, zero->dirty_low));
    clear(prezero, ua_max(from, zero->dirty_high), to);
}

bool ua_prezero_rewound_small(const struct ua_prezero *prezero, struct ua_span *chunk, uintptr_t front, uintptr_t back)
{
    size_t low_bytes = front - chunk->base;
    size_t high_bytes = ua_span_limit(chunk) - back;

    if (prezero->policy != UA_PREZERO_WINDOW || prezero->watched || low_bytes + high_bytes > UA_REWIND_CLEAR_BYTES)
        return false;
    /* Not for nothing: where masked stores are used, an empty memset at the edge of unmapped memory took 190 ns. */
    if (low_bytes != 0)
        memset((void *)chunk->base, 0, low_bytes);
    if (high_bytes != 0)
        memset((void *)back, 0, high_bytes);
    ua_fence_publish();
    return true;
}

static void ask_huge(const struct ua_prezero *prezero, struct ua_span *chunk)
{
    chunk->zero.huge_asked = true;
    if (prezero->huge_pages != UA_HUGE_NEVER)
        ua_vm_huge_page(prezero->vm, chunk->base, chunk->bytes);
}

void ua_prezero_whole(const struct ua_prezero *prezero, struct ua_span *chunk, bool fresh)
{
    struct ua_zero_state *zero = &chunk->zero;

    if (fresh) {
        ask_huge(prezero, chunk);
        if (prezero->huge_pages == UA_HUGE_COLLAPSE)
            ua_vm_collapse(prezero->vm, chunk->base, chunk->bytes);
        ua_vm_populate(prezero->vm, chunk->base, chunk->bytes);
    }
    clear_dirty(prezero, chunk, chunk->base, ua_span_limit(chunk));
    zero->zero_low = ua_span_limit(chunk);
    zero->zero_high = chunk->base;
}

/* Whether this chunk's ends are cleared window by window: not when all of it was cleared before. */
static bool by_windows(const struct ua_prezero *prezero, const struct ua_span *chunk)
{
    return prezero->policy == UA_PREZERO_WINDOW ||
           (prezero->policy == UA_PREZERO_BACKGROUND && chunk->zero.zero_low <= chunk->zero.zero_high);
}

void ua_prezero_taken(const struct ua_prezero *prezero, struct ua_span *chunk)
{
    struct ua_zero_state *zero = &chunk->zero;
    bool fresh = chunk->backing == UA_BACKING_RESERVED;

    zero->zero_low = chunk->base;
    zero->zero_high = ua_span_limit(chunk);
    zero->window_low_bytes = UA_WINDOW_FIRST_BYTES;
    zero->window_high_bytes = UA_WINDOW_FIRST_BYTES;
    if (prezero->policy == UA_PREZERO_POPULATE)
        ua_prezero_whole(prezero, chunk, fresh);
    if (prezero->policy != UA_PREZERO_CHUNK)
        return;
    if (fresh)
        ask_huge(prezero, chunk);
    if (fresh && prezero->huge_pages == UA_HUGE_COLLAPSE)
        ua_vm_collapse(prezero->vm, chunk->base, chunk->bytes);
    clear(prezero, chunk->base, ua_span_limit(chunk));
    zero->zero_low = ua_span_limit(chunk);
    zero->zero_high = chunk->base;
}

/* Once a chunk is well used it gets huge pages; an end that was touched by small pages before is collapsed (its first bytes are
 * copied) instead of being filled by one fault for each small page. Where nothing was touched the call could only fail (EINVAL): the
 * first touch brings a huge page. */
static void consider_huge(const struct ua_prezero *prezero, struct ua_span *chunk, uintptr_t front, uintptr_t back)
{
    size_t low_bytes = front - chunk->base;
    size_t high_bytes = ua_span_limit(chunk) - back;
    bool low_touched = ua_max(chunk->zero.zero_low, chunk->zero.dirty_low) > chunk->base;
    bool high_touched = ua_min(chunk->zero.zero_high, chunk->zero.dirty_high) < ua_span_limit(chunk);

    if (chunk->zero.huge_asked || low_bytes + high_bytes < UA_HUGE_ASK_BYTES)
        return;
    ask_huge(prezero, chunk);
    if (prezero->huge_pages == UA_HUGE_NEVER || chunk->bytes < UA_HUGE_PAGE_BYTES)
        return;
    if (prezero->huge_pages == UA_HUGE_COLLAPSE) {
        ua_vm_collapse(prezero->vm, chunk->base, chunk->bytes);
        return;
    }
    if (low_touched)
        ua_vm_collapse(prezero->vm, chunk->base, UA_HUGE_PAGE_BYTES);
    if (high_touched && chunk->bytes > UA_HUGE_PAGE_BYTES)
        ua_vm_collapse(prezero->vm, ua_span_limit(chunk) - UA_HUGE_PAGE_BYTES, UA_HUGE_PAGE_BYTES);
}

/* Length of the next window of one end. Near the end of the chunk each side takes half of the rest, so that the two do not
 * take it from each other object by object. */
static size_t window(const struct ua_prezero *prezero, const struct ua_span *chunk, size_t *next_bytes, bool in_short,
                     size_t rest_bytes)
{
    size_t bytes = prezero->max_alloc_bytes;

    if (by_windows(prezero, chunk) && in_short) {
        bytes = UA_WINDOW_SHORT_BYTES;
    } else if (by_windows(prezero, chunk)) {
        bytes = ua_min(*next_bytes, prezero->max_alloc_bytes);
        *next_bytes = ua_min(*next_bytes * 2, UA_WINDOW_MAX_BYTES);
    }
    return ua_min(bytes, rest_bytes / 2);
}

uintptr_t ua_prezero_front(const struct ua_prezero *prezero, struct ua_span *chunk, uintptr_t front, uintptr_t back,
                           uintptr_t need_end)
{
    struct ua_zero_state *zero = &chunk->zero;
    bool in_short = ua_prezero_is_short(need_end - front) &&
                    (zero->zero_low < zero->dirty_low || zero->zero_low >= zero->dirty_high);
    uintptr_t limit = front + window(prezero, chunk, &zero->window_low_bytes, in_short, back - front);

    limit = ua_min(ua_max(limit, need_end), back);
    if (by_windows(prezero, chunk))
        consider_huge(prezero, chunk, limit, back);
    if (limit > zero->zero_low) {
        clear_dirty(prezero, chunk, zero->zero_low, ua_min(limit, ua_max(zero->zero_high, zero->zero_low)));
        zero->zero_low = limit;
    }
    return limit;
}

uintptr_t ua_prezero_back(const struct ua_prezero *prezero, struct ua_span *chunk, uintptr_t front, uintptr_t back,
                          uintptr_t need_begin)
{
    struct ua_zero_state *zero = &chunk->zero;
    bool in_short = ua_prezero_is_short(back - need_begin) &&
                    (zero->zero_high > zero->dirty_high || zero->zero_high <= zero->dirty_low);
    uintptr_t limit = back - window(prezero, chunk, &zero->window_high_bytes, in_short, back - front);

    limit = ua_max(ua_min(limit, need_begin), front);
    if (by_windows(prezero, chunk))
        consider_huge(prezero, chunk, front, limit);
    if (limit < zero->zero_high) {
        clear_dirty(prezero, chunk, ua_max(limit, ua_min(zero->zero_low, zero->zero_high)), zero->zero_high);
        zero->zero_high = limit;
    }
    return limit;
}

/* Clears lines that were asked for a while ago, then asks for others, four in a row. In this order: a core waits for about sixteen lines
 * at a time, and stores behind as many new ones would wait for them all (decision 0073). */
static inline void clear_short(uintptr_t from, uintptr_t to, uintptr_t ahead)
{
    memset((void *)from, 0, to - from);
    for (uintptr_t line = ahead; line < ahead + (to - from); line += 4 * UA_CACHE_LINE_BYTES) {
        __builtin_prefetch((const void *)line, 1);
        __builtin_prefetch((const void *)(line + UA_CACHE_LINE_BYTES), 1);
        __builtin_prefetch((const void *)(line + 2 * UA_CACHE_LINE_BYTES), 1);
        __builtin_prefetch((const void *)(line + 3 * UA_CACHE_LINE_BYTES), 1);
    }
    ua_fence_publish();
}

uintptr_t ua_prezero_short_front(struct ua_span *chunk, uintptr_t front, uintptr_t need_end)
{
    struct ua_zero_state *zero = &chunk->zero;
    uintptr_t from = zero->zero_low;
    uintptr_t limit = ua_align_up(ua_max(front + UA_WINDOW_SHORT_BYTES, need_end), UA_CACHE_LINE_BYTES);

    if (limit <= from || limit + UA_WINDOW_AHEAD_BYTES > zero->dirty_low ||
        limit + UA_WINDOW_AHEAD_BYTES > zero->zero_high)
        return 0;
    clear_short(from, limit, from + UA_WINDOW_AHEAD_BYTES);
    zero->zero_low = limit;
    return limit;
}

uintptr_t ua_prezero_short_back(struct ua_span *chunk, uintptr_t back, uintptr_t need_begin)
{
    struct ua_zero_state *zero = &chunk->zero;
    uintptr_t from = zero->zero_high;
    uintptr_t limit = ua_align_down(ua_min(back - UA_WINDOW_SHORT_BYTES, need_begin), UA_CACHE_LINE_BYTES);

    if (limit >= from || limit - UA_WINDOW_AHEAD_BYTES < zero->dirty_high ||
        limit - UA_WINDOW_AHEAD_BYTES < zero->zero_low)
        return 0;
    clear_short(limit, from, limit - UA_WINDOW_AHEAD_BYTES);
    zero->zero_high = limit;
    return limit;
}
