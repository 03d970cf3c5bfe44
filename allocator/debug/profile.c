/* profile.c - the countdown, stacks and their counts; profile_write.c writes them out. See profile.h. */
#include "debug/profile.h"

#include <string.h>
#include <unwind.h>

#include "base/bits.h"

#define SITES 4096u /* a power of two */
#define SITE_OVERFLOW 0u
#define PROBES 64u
#define SKIPPED_FRAMES 3u /* capture, its caller and the note function say nothing */
/* Go caps the mean so that a distance fits 31 bits; so the longest distance is 26 * ln 2 times this. */
#define MEAN_MAX_BYTES 0x7000000u
#define RANDOM_BITS 26u
#define MINUS_LN_2 (-0.693147180559945309417232121458)

static uint64_t draw(uint64_t *random)
{
    uint64_t x = *random += 0x9e3779b97f4a7c15u; /* splitmix64 */

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* log2 of 1..2^26, by squaring: no libm below us. */
static double log2_of(uint32_t value)
{
    unsigned whole = 31u - (unsigned)__builtin_clz(value);
    double rest = (double)value / (double)(1u << whole);
    double result = whole;
    double bit = 0.5;

    for (unsigned i = 0; i < 32; i++, bit /= 2) {
        rest *= rest;
        if (rest >= 2) {
            rest /= 2;
            result += bit;
        }
    }
    return result;
}

uint64_t ua_profile_next_sample(uint64_t mean_bytes, uint64_t *random)
{
    double mean = (double)ua_min(mean_bytes, MEAN_MAX_BYTES);
    uint32_t q = (uint32_t)(draw(random) >> (64 - RANDOM_BITS)) + 1;
    double log2_q = log2_of(q) - RANDOM_BITS;

    if (mean_bytes <= 1)
        return 0;
    if (log2_q > 0)
        log2_q = 0;
    return (uint64_t)(log2_q * (MINUS_LN_2 * mean)) + 1;
}

struct capture {
    struct ua_site *site;
    size_t skip;
};

static _Unwind_Reason_Code on_frame(struct _Unwind_Context *context, void *argument)
{
    struct capture *capture = argument;
    struct ua_site *site = capture->site;
    uintptr_t at = (uintptr_t)_Unwind_GetIP(context);

    if (capture->skip > 0) {
        capture->skip--;
        return _URC_NO_REASON;
    }
    if (at == 0 || site->frame_count == UA_PROFILE_FRAMES_MAX)
        return _URC_END_OF_STACK;
    site->frames[site->frame_count++] = at;
    return _URC_NO_REASON;
}

/* The compiler's unwinder reads tables that are in memory: no allocation, no lock of the program's. */
static __attribute__((noinline)) void capture_stack(struct ua_site *site)
{
    struct capture capture = {site, SKIPPED_FRAMES};
    uint64_t hash = 0xcbf29ce484222325u;

    site->frame_count = 0;
    _Unwind_Backtrace(on_frame, &capture);
    for (size_t i = 0; i < site->frame_count; i++)
        hash = (hash ^ site->frames[i]) * 0x100000001b3u;
    hash ^= hash >> 29;
    site->hash = hash != 0 ? hash : 1;
}

static bool same_stack(const struct ua_site *a, const struct ua_site *b)
{
    return a->hash == b->hash && a->frame_count == b->frame_count &&
           memcmp(a->frames, b->frames, a->frame_count * sizeof a->frames[0]) == 0;
}

/* Metadata is accounted a page at a time, as it is touched. Guard: lock. */
static void touch(struct ua_profile *profile, size_t index)
{
    size_t first = index * sizeof(struct ua_site) / UA_PHYS_PAGE_BYTES;
    size_t last = ((index + 1) * sizeof(struct ua_site) - 1) / UA_PHYS_PAGE_BYTES;

    for (size_t page = first; page <= last; page++) {
        if ((profile->touched_pages[page / 64] >> page % 64) & 1)
            continue;
        profile->touched_pages[page / 64] |= (uint64_t)1 << page % 64;
        ua_meta_touched(profile->meta, UA_PHYS_PAGE_BYTES);
    }
}

_Static_assert(SITES * sizeof(struct ua_site) <= 16u * 64u * 4096u, "touched_pages has a bit for each page of the table");

/* The only frame of the site that stands for all stacks beyond the table, so that a reader sees the name. */
static __attribute__((noinline, used)) void ua_profile_table_is_full(void)
{
}

/* The stack's place in the table. Guard: lock. */
static struct ua_site *intern(struct ua_profile *profile, const struct ua_site *found)
{
    for (size_t i = 0; i < PROBES; i++) {
        size_t index = (found->hash + i) % SITES;
        struct ua_site *site = &profile->sites[index];

        if (index == SITE_OVERFLOW)
            continue;
        if (site->hash == 0) {
            touch(profile, index);
            memcpy(site->frames, found->frames, found->frame_count * sizeof site->frames[0]);
            site->frame_count = found->frame_count;
            site->hash = found->hash;
            return site;
        }
        if (same_stack(site, found))
            return site;
    }
    touch(profile, SITE_OVERFLOW);
    profile->sites[SITE_OVERFLOW].frames[0] = (uintptr_t)ua_profile_table_is_full + 1;
    profile->sites[SITE_OVERFLOW].frame_count = 1;
    return &profile->sites[SITE_OVERFLOW];
}

bool ua_profile_init(struct ua_profile *profile, struct ua_heap *heap, uint64_t rate_bytes)
{
    struct ua_site *sites = ua_meta_reserve(&heap->meta, ua_align_up(SITES * sizeof *sites, UA_PHYS_PAGE_BYTES));

    if (sites == NULL)
        return false;
    *profile = (struct ua_profile){.rate_bytes = rate_bytes, .random = 1, .sites = sites, .meta = &heap->meta};
    profile->next_bytes = ua_profile_next_sample(rate_bytes, &profile->random);
    ua_lock_init(&profile->lock, UA_RANK_LEAF, NULL);
    return true;
}

void ua_profile_deinit(struct ua_profile *profile)
{
    ua_lock_deinit(&profile->lock);
}

/* Go: below the distance only counts down; else a sample, and the distance is drawn anew. */
static bool is_sample(struct ua_profile *profile, size_t bytes)
{
    bool sample = true;

    ua_lock_acquire(&profile->lock);
    if (profile->rate_bytes != 1 && bytes < profile->next_bytes) {
        profile->next_bytes -= bytes;
        sample = false;
    } else {
        profile->next_bytes = ua_profile_next_sample(profile->rate_bytes, &profile->random);
    }
    ua_lock_release(&profile->lock);
    return sample;
}

__attribute__((noinline)) void ua_profile_alloc(struct ua_profile *profile, struct ua_span *span, size_t bytes)
{
    struct ua_site *site = NULL;
    struct ua_site found;

    __atomic_store_n(&span->freed_site, NULL, __ATOMIC_RELEASE);
    if (is_sample(profile, bytes)) {
        capture_stack(&found); /* outside the lock: microseconds */
        ua_lock_acquire(&profile->lock);
        site = intern(profile, &found);
        site->alloc_count++;
        site->alloc_bytes += bytes;
        ua_lock_release(&profile->lock);
    }
    __atomic_store_n(&span->made_site, site, __ATOMIC_RELEASE);
}

void ua_profile_free(struct ua_profile *profile, struct ua_span *span, size_t bytes)
{
    /* The note stays for the message about a use after free; only an allocation replaces it. */
    struct ua_site *site = (struct ua_site *)(uintptr_t)__atomic_load_n(&span->made_site, __ATOMIC_ACQUIRE);

    if (site == NULL)
        return;
    ua_lock_acquire(&profile->lock);
    site->free_count++;
    site->free_bytes += bytes;
    ua_lock_release(&profile->lock);
}

__attribute__((noinline)) void ua_profile_given(struct ua_profile *profile, struct ua_span *batch)
{
    struct ua_site *site = NULL;
    struct ua_site found;

    for (struct ua_span *span = batch; span != NULL; span = span->next) {
        if (__atomic_load_n(&span->made_site, __ATOMIC_ACQUIRE) == NULL)
            continue;
        if (site == NULL) {
            capture_stack(&found);
            ua_lock_acquire(&profile->lock);
            site = intern(profile, &found);
            ua_lock_release(&profile->lock);
        }
        __atomic_store_n(&span->freed_site, site, __ATOMIC_RELEASE);
    }
}

void ua_profile_each(struct ua_profile *profile, void (*visit)(const struct ua_site *site, void *context), void *context)
{
    struct ua_site copy;

    for (size_t i = 0; i < SITES; i++) {
        const struct ua_site *site = &profile->sites[i];

        ua_lock_acquire(&profile->lock);
        copy.alloc_count = site->alloc_count;
        if (copy.alloc_count != 0)
            copy = *site;
        ua_lock_release(&profile->lock);
        if (copy.alloc_count != 0)
            visit(&copy, context);
    }
}
