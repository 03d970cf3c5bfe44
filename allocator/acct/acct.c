/* acct.c - see acct.h. Overdrafts are found by the move itself: the old value comes back from the atomic subtraction. */
#include "acct/acct.h"

static void add(uint64_t *cell, uint64_t bytes)
{
    __atomic_fetch_add(cell, bytes, __ATOMIC_RELAXED);
}

static void subtract(uint64_t *cell, uint64_t bytes, const char *message)
{
    uint64_t old = __atomic_fetch_sub(cell, bytes, __ATOMIC_RELAXED);

    UA_CHECK(old >= bytes, message);
}

void ua_acct_init(struct ua_acct *acct)
{
    *acct = (struct ua_acct){0};
    acct->account[UA_ACCT_NONE] = UA_ALLOC_MAX;
}

void ua_acct_move(struct ua_acct *acct, enum ua_account from, enum ua_account to, size_t bytes)
{
    subtract(&acct->account[from], bytes, "ledger overdraft");
    add(&acct->account[to], bytes);
}

uint64_t ua_acct_read(const struct ua_acct *acct, enum ua_account account)
{
    return ua_acct_load(&acct->account[account]);
}

uint64_t ua_acct_mapped_ready(const struct ua_acct *acct)
{
    return ua_acct_read(acct, UA_ACCT_IN_USE) + ua_acct_read(acct, UA_ACCT_FREE) + ua_acct_read(acct, UA_ACCT_KEPT) +
           ua_acct_read(acct, UA_ACCT_META);
}

void ua_acct_check_sum(const struct ua_acct *acct)
{
    uint64_t sum = 0;

    for (int i = 0; i < UA_ACCT_COUNT; i++)
        sum += ua_acct_load(&acct->account[i]);
    UA_CHECK(sum == UA_ALLOC_MAX, "ledger does not balance");
}

void ua_acct_large_alloc(struct ua_acct *acct, size_t bytes)
{
    add(&acct->large_alloc, bytes);
    add(&acct->large_alloc_count, 1);
    add(&acct->total_alloc, bytes);
    add(&acct->heap_live, bytes);
}

void ua_acct_large_swept(struct ua_acct *acct, size_t bytes)
{
    add(&acct->large_free, bytes);
    add(&acct->large_free_count, 1);
    add(&acct->total_free, bytes);
}

void ua_acct_large_free(struct ua_acct *acct, size_t bytes)
{
    uint64_t live = ua_acct_load(&acct->heap_live);

    ua_acct_large_swept(acct, bytes);
    /* No account, and not fatal: a mark that ends while an object is being made sets heap_live without it. */
    while (!__atomic_compare_exchange_n(&acct->heap_live, &live, live > bytes ? live - bytes : 0, true, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED)) {
    }
}

void ua_acct_small_alloc(struct ua_acct *acct, size_t bytes)
{
    add(&acct->total_alloc, bytes);
    add(&acct->heap_live, bytes);
}

void ua_acct_small_free(struct ua_acct *acct, size_t bytes)
{
    /* heap_live is not touched: a sweep frees what the mark already left out of it. */
    add(&acct->total_free, bytes);
}

void ua_acct_scan_alloc(struct ua_acct *acct, size_t bytes)
{
    add(&acct->scan_alloc, bytes);
}

void ua_acct_marked(struct ua_acct *acct, uint64_t marked_bytes, uint64_t scan_bytes)
{
    __atomic_store_n(&acct->heap_live, marked_bytes, __ATOMIC_RELAXED);
    __atomic_store_n(&acct->heap_marked, marked_bytes, __ATOMIC_RELAXED);
    __atomic_store_n(&acct->heap_scan, scan_bytes, __ATOMIC_RELAXED);
}
