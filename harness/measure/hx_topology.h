/* hx_topology.h - the machine's shape through hwloc, and which PUs a run uses, in which order.
 *
 * Why: two threads on one core measure each other, and hwloc ignores taskset unless told. The choice is made once, by the
 * driver; workers get PU numbers. Policy is separate from the machine, so synthetic and XML topologies test it.
 * Threads: one thread at a time. Uses malloc (hwloc does): driver only. */
#ifndef HX_TOPOLOGY_H
#define HX_TOPOLOGY_H

#include "base/hx_base.h"

struct hx_topology; /* opaque: no other file sees hwloc */

enum { HX_PUS_MAX = 4096 };

/* The machine this runs on, restricted to what taskset and cgroups allow. NULL with a constant reason in *why. */
struct hx_topology *hx_topology_load(const char **why);
/* hwloc's synthetic description ("pack:2 core:4 pu:2") or an XML file. NULL with a constant reason in *why. */
struct hx_topology *hx_topology_load_synthetic(const char *description, const char **why);
struct hx_topology *hx_topology_load_xml(const char *path, const char **why);
void hx_topology_free(struct hx_topology *topology);

/* Counts of what is usable. cores is 0 where the machine shows none (PUs are used then). */
struct hx_topology_shape {
    unsigned packages;
    unsigned numa_nodes;
    unsigned cores;
    unsigned pus;
    unsigned pus_per_core_max; /* 2 with SMT */
};
void hx_topology_shape(const struct hx_topology *topology, struct hx_topology_shape *out);

/* What is allowed. cpus NULL: all; numa_node -1: any. */
struct hx_pu_request {
    const char *cpus;   /* taskset list, keeps only these */
    int numa_node;      /* logical number: keep PUs near it */
    unsigned want;      /* how many PUs are needed, >= 1 */
};

struct hx_pu_choice {
    unsigned count;            /* PUs found, at most want; fewer when the machine has fewer */
    unsigned separate_cores;   /* how many of them are alone on their core within the choice order: first ones */
    unsigned pu[HX_PUS_MAX];   /* operating-system numbers, in the order of use: first PU of each core, then siblings */
};

/* 0; or an errno with a line for the user in message: EINVAL malformed list, ENOENT nothing left (or no such node). */
int hx_topology_choose(const struct hx_topology *topology, const struct hx_pu_request *request, struct hx_pu_choice *out,
                       char *message, size_t message_bytes);

/* Writes the topology as hwloc XML (workers and fixtures). 0 or an errno. Not atomic: write into a fresh folder. */
int hx_topology_export(const struct hx_topology *topology, const char *path);

/* Binds the calling thread through hwloc; only on the machine's own topology (else ENOSYS). 0 or an errno. */
int hx_topology_bind(const struct hx_topology *topology, unsigned pu);

/* hwloc's version, for the attestation. */
const char *hx_topology_library(void);

#endif
