/* hx_pin.c - sched_setaffinity for the calling thread, and the scheduler's own migration count as proof. Why: hx_pin.h. */
#define _GNU_SOURCE
#include "measure/hx_pin.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/hx_file.h"

enum { MASK_PUS = 8192, WORD_BITS = 64 }; /* larger than any kernel's NR_CPUS: sched_getaffinity wants room for all of it */

struct mask {
    uint64_t word[MASK_PUS / WORD_BITS];
};

static bool mask_has(const struct mask *mask, unsigned pu) {
    return pu < MASK_PUS && (mask->word[pu / WORD_BITS] >> (pu % WORD_BITS) & 1) != 0;
}

int hx_pin_thread(unsigned pu) {
    struct mask mask;
    if (pu >= MASK_PUS) {
        return EINVAL;
    }
    memset(&mask, 0, sizeof mask);
    mask.word[pu / WORD_BITS] = UINT64_C(1) << (pu % WORD_BITS);
    /* The plain system call: glibc's cpu_set_t stops at 1,024 PUs. On return the thread already runs there. */
    return syscall(SYS_sched_setaffinity, 0, sizeof mask, &mask) < 0 ? errno : 0;
}

/* The thread's own nr_migrations; UINT64_MAX where the kernel has no scheduler statistics. */
static uint64_t migrations_read(void) {
    char text[8192];
    static const char key[] = "nr_migrations";
    if (hx_file_read("/proc/thread-self/sched", text, sizeof text) <= 0) {
        return UINT64_MAX;
    }
    for (char *at = strstr(text, key); at != NULL; at = strstr(at + 1, key)) {
        if (at != text && at[-1] != '.' && at[-1] != '\n') {
            continue;
        }
        at += strlen(key);
        at += strspn(at, " \t");
        if (*at != ':') {
            continue;
        }
        at++;
        at += strspn(at, " \t");
        return *at >= '0' && *at <= '9' ? strtoull(at, NULL, 10) : UINT64_MAX;
    }
    return UINT64_MAX;
}

void hx_pin_proof_take(struct hx_pin_proof *proof, unsigned pu) {
    proof->pu = pu;
    proof->migrations = migrations_read();
}

struct hx_pin_verdict hx_pin_proof_check(const struct hx_pin_proof *proof) {
    struct mask mask;
    struct hx_pin_verdict verdict = {.migrated = false};
    uint64_t migrations = migrations_read();
    int pu_now = sched_getcpu();
    verdict.pu_last = pu_now < 0 ? UINT32_MAX : (unsigned)pu_now;
    verdict.migrated = verdict.pu_last != proof->pu;
    memset(&mask, 0, sizeof mask);
    if (syscall(SYS_sched_getaffinity, 0, sizeof mask, &mask) < 0 || !mask_has(&mask, proof->pu)) {
        verdict.migrated = true;
    }
    for (unsigned pu = 0; pu < MASK_PUS; pu++) {
        if (pu != proof->pu && mask_has(&mask, pu)) {
            verdict.migrated = true; /* someone widened the mask: it may have been anywhere in between */
        }
    }
    if (migrations == UINT64_MAX || proof->migrations == UINT64_MAX) {
        verdict.migrations = hx_figure_none("no migration count in this kernel");
    } else {
        verdict.migrations = hx_figure_of((double)(migrations - proof->migrations));
        verdict.migrated = verdict.migrated || migrations != proof->migrations;
    }
    return verdict;
}

/* Digits only, at least one, at most five: PU numbers. Moves *text. */
static bool pu_take(const char **text, unsigned *out) {
    size_t digits = strspn(*text, "0123456789");
    if (digits == 0 || digits > 5) {
        return false;
    }
    unsigned value = 0;
    for (size_t i = 0; i < digits; i++) {
        value = value * 10 + (unsigned)((*text)[i] - '0');
    }
    *text += digits;
    *out = value;
    return true;
}

bool hx_pin_list_parse(const char *list, bool *allowed, size_t capacity) {
    memset(allowed, 0, capacity * sizeof *allowed);
    for (;;) {
        unsigned first;
        unsigned last;
        unsigned step = 1;
        if (!pu_take(&list, &first)) {
            return false;
        }
        last = first;
        if (*list == '-') {
            list++;
            if (!pu_take(&list, &last)) {
                return false;
            }
            if (*list == ':') {
                list++;
                if (!pu_take(&list, &step)) {
                    return false;
                }
            }
        }
        if (last < first || step == 0 || last >= capacity) {
            return false;
        }
        for (unsigned pu = first; pu <= last; pu += step) {
            allowed[pu] = true;
        }
        if (*list == '\0') {
            return true;
        }
        if (*list != ',') {
            return false;
        }
        list++;
    }
}
