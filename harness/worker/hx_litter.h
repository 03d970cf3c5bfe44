/* hx_litter.h - an aged heap: objects scattered over the malloc under test before anything is measured.
 *
 * Why: a fresh heap hands out neighbours one after the other, and no program of some age has one: what it freed lies between what it
 * keeps. Published figures for whole programs on a littered heap go up to 2.5 times (the idea and its three dials: littering as in
 * the literature, occupancy, multiplier, seed). A backend without free lists of its own has nothing to age and is refused.
 *
 *   draw sizes from the scenario's own requests (rehearsed in a child)
 *   allocate until multiplier x the scenario's greatest live bytes are asked for
 *   free 1 - occupancy of them in an order drawn by the seed; what is left stays for the whole process
 *
 * Threads: each lane litters in its own thread. Calls the malloc under test, before the first mark. */
#ifndef HX_LITTER_H
#define HX_LITTER_H

#include "worker/hx_job.h"

/* "O,M,S": occupancy 0 to 1, multiplier above 0 to 1000, seed. Dies with one line on anything else. */
struct hx_litter {
    double occupancy;
    double multiplier;
    uint64_t seed;
};
void hx_litter_parse(const char *text, struct hx_litter *out);

/* Room for the sizes of each lane, shared with the child that rehearses. Dies when this backend cannot be littered. */
void hx_litter_prepare(struct hx_job *job);

/* Litters in the lane's thread; returns the bytes that stay. Dies with one line when it would take more than 1 GiB or malloc fails. */
uint64_t hx_litter_lane(struct hx_lane *lane);

#endif
