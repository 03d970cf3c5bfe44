/* hx_pin.h - bind the calling thread to one PU, and prove afterwards that it stayed.
 *
 * Why: a worker may not load hwloc (it calls malloc), and the kernel's own call is enough once the driver has chosen the PU.
 * Asking is not having: the proof is taken after the run. Threads: each thread pins itself. No malloc. */
#ifndef HX_PIN_H
#define HX_PIN_H

#include "base/hx_base.h"

/* Binds the calling thread to the PU with this operating-system number. 0, or an errno with nothing changed. */
int hx_pin_thread(unsigned pu);

/* Taken by each thread right after pinning and handed back after the run. */
struct hx_pin_proof {
    unsigned pu;           /* where it was bound */
    uint64_t migrations;   /* the scheduler's count at that moment; UINT64_MAX when this kernel does not tell */
};

struct hx_pin_verdict {
    unsigned pu_last;             /* where the thread runs now */
    bool migrated;                /* it runs elsewhere, its mask was widened, or the scheduler counted a move */
    struct hx_figure migrations;  /* moves since the proof was taken; none: "no migration count in this kernel" */
};

void hx_pin_proof_take(struct hx_pin_proof *proof, unsigned pu);
struct hx_pin_verdict hx_pin_proof_check(const struct hx_pin_proof *proof);

/* Parses a taskset list ("0,2-5,8-14:2") into a bit per PU, PUs below `capacity`. False on anything else. */
bool hx_pin_list_parse(const char *list, bool *allowed, size_t capacity);

#endif
