/* hx_topology.c - hwloc: load, shape, choice of PUs, export, bind. Policy and contract: hx_topology.h.
 *
 * Order of the choice: round r takes the r-th allowed PU of each core, cores in hwloc's logical order (so neighbours share a
 * cache and a NUMA node), until enough are found. Where the machine shows no cores, each PU counts as its own core. */
#include "measure/hx_topology.h"

#include <errno.h>
#include <hwloc.h>
#include <stdio.h>
#include <string.h>

#include "measure/hx_pin.h"

struct hx_topology {
    hwloc_topology_t hwloc;
    bool this_system; /* binding means something */
};

enum topology_source { FROM_MACHINE, FROM_SYNTHETIC, FROM_XML };

static struct hx_topology *load(enum topology_source source, const char *text, const char **why) {
    hwloc_topology_t hwloc;
    if (hwloc_topology_init(&hwloc) != 0) {
        *why = "hwloc could not start";
        return NULL;
    }
    int rc = 0;
    if (source == FROM_MACHINE) {
        /* hwloc follows cgroups but not taskset unless told so */
        rc = hwloc_topology_set_flags(hwloc, HWLOC_TOPOLOGY_FLAG_RESTRICT_TO_CPUBINDING | HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM);
    } else if (source == FROM_SYNTHETIC) {
        rc = hwloc_topology_set_synthetic(hwloc, text);
    } else {
        rc = hwloc_topology_set_xml(hwloc, text);
    }
    if (rc != 0) {
        *why = source == FROM_XML ? "the topology file cannot be read" : "the topology description is malformed";
        hwloc_topology_destroy(hwloc);
        return NULL;
    }
    if (hwloc_topology_load(hwloc) != 0) {
        *why = source == FROM_XML ? "the topology file is malformed" : "hwloc could not load the topology";
        hwloc_topology_destroy(hwloc);
        return NULL;
    }
    struct hx_topology *topology = calloc(1, sizeof *topology);
    if (topology == NULL) {
        *why = "no memory";
        hwloc_topology_destroy(hwloc);
        return NULL;
    }
    topology->hwloc = hwloc;
    topology->this_system = source == FROM_MACHINE && hwloc_topology_is_thissystem(hwloc) != 0;
    return topology;
}

struct hx_topology *hx_topology_load(const char **why) {
    return load(FROM_MACHINE, NULL, why);
}

struct hx_topology *hx_topology_load_synthetic(const char *description, const char **why) {
    return load(FROM_SYNTHETIC, description, why);
}

struct hx_topology *hx_topology_load_xml(const char *path, const char **why) {
    return load(FROM_XML, path, why);
}

void hx_topology_free(struct hx_topology *topology) {
    if (topology != NULL) {
        hwloc_topology_destroy(topology->hwloc);
        free(topology);
    }
}

static unsigned count_of(const struct hx_topology *topology, hwloc_obj_type_t type) {
    int count = hwloc_get_nbobjs_by_type(topology->hwloc, type);
    return count < 0 ? 0 : (unsigned)count;
}

/* Allowed PUs below `object`. */
static unsigned pus_of(const struct hx_topology *topology, hwloc_obj_t object) {
    int count = hwloc_get_nbobjs_inside_cpuset_by_type(topology->hwloc, object->cpuset, HWLOC_OBJ_PU);
    return count < 0 ? 0 : (unsigned)count;
}

void hx_topology_shape(const struct hx_topology *topology, struct hx_topology_shape *out) {
    *out = (struct hx_topology_shape){
        .packages = count_of(topology, HWLOC_OBJ_PACKAGE),
        .numa_nodes = count_of(topology, HWLOC_OBJ_NUMANODE),
        .cores = count_of(topology, HWLOC_OBJ_CORE),
        .pus = count_of(topology, HWLOC_OBJ_PU),
        .pus_per_core_max = 1,
    };
    for (unsigned i = 0; i < out->cores; i++) {
        unsigned pus = pus_of(topology, hwloc_get_obj_by_type(topology->hwloc, HWLOC_OBJ_CORE, i));
        out->pus_per_core_max = pus > out->pus_per_core_max ? pus : out->pus_per_core_max;
    }
}

/* What the request leaves: allowed by hwloc, on the list, near the node. NULL with a message otherwise. */
static hwloc_bitmap_t candidates(const struct hx_topology *topology, const struct hx_pu_request *request, int *error,
                                 char *message, size_t message_bytes) {
    static bool listed[HX_PUS_MAX]; /* driver's one thread: see the header */
    hwloc_bitmap_t set = hwloc_bitmap_dup(hwloc_topology_get_allowed_cpuset(topology->hwloc));
    if (set == NULL) {
        *error = ENOMEM;
        snprintf(message, message_bytes, "no memory for the PU set");
        return NULL;
    }
    *error = 0;
    hwloc_bitmap_and(set, set, hwloc_topology_get_topology_cpuset(topology->hwloc));
    if (request->numa_node >= 0) {
        hwloc_obj_t node = hwloc_get_obj_by_type(topology->hwloc, HWLOC_OBJ_NUMANODE, (unsigned)request->numa_node);
        if (node == NULL) {
            *error = ENOENT;
            snprintf(message, message_bytes, "NUMA node %d: there are %u (0-based)", request->numa_node,
                     count_of(topology, HWLOC_OBJ_NUMANODE));
        } else {
            hwloc_bitmap_and(set, set, node->cpuset);
        }
    }
    if (*error == 0 && request->cpus != NULL) {
        if (!hx_pin_list_parse(request->cpus, listed, HX_PUS_MAX)) {
            *error = EINVAL;
            snprintf(message, message_bytes, "cpus '%s': not a list like 0,2-5,8-14:2", request->cpus);
        } else {
            for (int pu = hwloc_bitmap_first(set); pu >= 0; pu = hwloc_bitmap_next(set, pu)) {
                if (pu >= HX_PUS_MAX || !listed[pu]) {
                    hwloc_bitmap_clr(set, (unsigned)pu);
                }
            }
        }
    }
    if (*error == 0 && hwloc_bitmap_iszero(set)) {
        char *usable = NULL;
        *error = ENOENT;
        hwloc_bitmap_list_asprintf(&usable, hwloc_topology_get_allowed_cpuset(topology->hwloc));
        snprintf(message, message_bytes, "cpus '%s': none of them usable here (usable: %s)",
                 request->cpus == NULL ? "all" : request->cpus, usable == NULL ? "unknown" : usable);
        free(usable);
    }
    if (*error != 0) {
        hwloc_bitmap_free(set);
        return NULL;
    }
    return set;
}

/* The rank-th candidate PU (0-based, logical order) inside one core, or -1. */
static int pu_of_core(const struct hx_topology *topology, hwloc_obj_t core, hwloc_const_bitmap_t set, unsigned rank) {
    unsigned pus = pus_of(topology, core);
    for (unsigned i = 0; i < pus; i++) {
        hwloc_obj_t pu = hwloc_get_obj_inside_cpuset_by_type(topology->hwloc, core->cpuset, HWLOC_OBJ_PU, i);
        if (pu == NULL || !hwloc_bitmap_isset(set, pu->os_index)) {
            continue;
        }
        if (rank-- == 0) {
            return (int)pu->os_index;
        }
    }
    return -1;
}

static void choose_by_core(const struct hx_topology *topology, hwloc_const_bitmap_t set, unsigned want, struct hx_pu_choice *out) {
    hwloc_obj_type_t unit = count_of(topology, HWLOC_OBJ_CORE) > 0 ? HWLOC_OBJ_CORE : HWLOC_OBJ_PU;
    unsigned units = count_of(topology, unit);
    bool found = true;
    for (unsigned rank = 0; found && out->count < want; rank++) {
        found = false;
        for (unsigned i = 0; i < units && out->count < want; i++) {
            int pu = pu_of_core(topology, hwloc_get_obj_by_type(topology->hwloc, unit, i), set, rank);
            if (pu >= 0) {
                found = true;
                out->pu[out->count++] = (unsigned)pu;
            }
        }
        if (rank == 0) {
            out->separate_cores = out->count;
        }
    }
}

int hx_topology_choose(const struct hx_topology *topology, const struct hx_pu_request *request, struct hx_pu_choice *out,
                       char *message, size_t message_bytes) {
    int error;
    if (request->want == 0) {
        snprintf(message, message_bytes, "0 PUs asked for: at least 1");
        return EINVAL;
    }
    hwloc_bitmap_t set = candidates(topology, request, &error, message, message_bytes);
    if (set == NULL) {
        return error;
    }
    out->count = 0;
    out->separate_cores = 0;
    choose_by_core(topology, set, request->want < HX_PUS_MAX ? request->want : HX_PUS_MAX, out);
    hwloc_bitmap_free(set);
    return 0;
}

int hx_topology_export(const struct hx_topology *topology, const char *path) {
    errno = 0;
    if (hwloc_topology_export_xml(topology->hwloc, path, 0) == 0) {
        return 0;
    }
    return errno != 0 ? errno : EIO;
}

int hx_topology_bind(const struct hx_topology *topology, unsigned pu) {
    if (!topology->this_system) {
        return ENOSYS;
    }
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    if (set == NULL) {
        return ENOMEM;
    }
    hwloc_bitmap_only(set, pu);
    errno = 0;
    int rc = hwloc_set_cpubind(topology->hwloc, set, HWLOC_CPUBIND_THREAD | HWLOC_CPUBIND_STRICT);
    int error = rc == 0 ? 0 : errno != 0 ? errno : EINVAL;
    hwloc_bitmap_free(set);
    return error;
}

const char *hx_topology_library(void) {
    return HWLOC_VERSION;
}
