/* hx_litter.c - see hx_litter.h. */
#define _GNU_SOURCE
#include "worker/hx_litter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LITTER_BYTES_MOST ((double)(1u << 30)) /* of all lanes */
enum { OBJECT_BYTES_LEAST = sizeof(void *) };  /* a kept object holds the address of the next one */

/* First kept object of each lane: a leak detector finds the others from here. Written by the lane's thread. */
static void *kept[HX_ASK_PUS_MAX];

void hx_litter_parse(const char *text, struct hx_litter *out) {
    char part[3][64] = {"", "", ""};
    int end = 0;
    bool good = sscanf(text, "%63[^,],%63[^,],%63[^,]%n", part[0], part[1], part[2], &end) == 3 && text[end] == '\0' &&
                hx_parse_double(part[0], &out->occupancy) && hx_parse_double(part[1], &out->multiplier) &&
                hx_parse_u64(part[2], &out->seed);
    if (!good || out->occupancy < 0 || out->occupancy > 1 || out->multiplier <= 0 || out->multiplier > 1000) {
        hx_die("litter \"%s\": want occupancy,multiplier,seed: 0 to 1, above 0 to 1000, a whole number, such as 0.95,20,1", text);
    }
}

void hx_litter_prepare(struct hx_job *job) {
    const struct hx_ask *ask = job->ask;
    struct hx_litter litter;
    if (ask->litter == NULL) {
        return;
    }
    hx_litter_parse(ask->litter, &litter);
    if (!hx_glue_litters) {
        hx_die("litter: only a malloc's heap can be aged; backend \"%s\" has no free lists of that kind", ask->backend);
    }
    for (unsigned i = 0; i < ask->threads; i++) {
        struct hx_sizes *sizes = mmap(NULL, sizeof *sizes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (sizes == MAP_FAILED) {
            hx_die("cannot map memory for the sizes: %s", strerror(errno));
        }
        job->lane[i].sizes = sizes;
    }
}

static size_t count_of(const struct hx_lane *lane, const struct hx_litter *litter) {
    const struct hx_sizes *sizes = lane->sizes;
    size_t held = sizes->seen < HX_SIZES_MAX ? (size_t)sizes->seen : HX_SIZES_MAX;
    double sum_bytes = 0;
    for (size_t i = 0; i < held; i++) {
        sum_bytes += sizes->bytes[i];
    }
    double want_bytes = litter->multiplier * (double)lane->cycle.live_peak_bytes;
    if (want_bytes > LITTER_BYTES_MOST / lane->job->ask->threads) {
        hx_die("litter \"%s\": %.0f bytes a thread are more than %.0f allow; choose a smaller multiplier", lane->job->ask->litter,
               want_bytes, LITTER_BYTES_MOST / lane->job->ask->threads);
    }
    double count = want_bytes / (sum_bytes / (double)held);
    return count < 1 ? 1 : (size_t)count;
}

static void shuffle(struct hx_rng *rng, void **object, size_t count) {
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)hx_rng_below(rng, i);
        void *swap = object[i - 1];
        object[i - 1] = object[j];
        object[j] = swap;
    }
}

uint64_t hx_litter_lane(struct hx_lane *lane) {
    struct hx_litter litter;
    struct hx_rng rng;
    hx_litter_parse(lane->job->ask->litter, &litter);
    hx_rng_init(&rng, litter.seed + lane->index);
    const struct hx_sizes *sizes = lane->sizes;
    size_t held = sizes->seen < HX_SIZES_MAX ? (size_t)sizes->seen : HX_SIZES_MAX;
    size_t count = count_of(lane, &litter);
    size_t map_bytes = count * sizeof(void *) * 2;
    void **object = hx_map_or_die(map_bytes, "the list of litter");
    for (size_t i = 0; i < count; i++) {
        size_t bytes = sizes->bytes[hx_rng_below(&rng, held)];
        bytes = bytes < OBJECT_BYTES_LEAST ? OBJECT_BYTES_LEAST : bytes;
        object[i] = malloc(bytes);
        if (object[i] == NULL) {
            hx_die("litter: out of memory after %zu of %zu objects", i, count);
        }
        memset(object[i], 1, bytes);
        memcpy(object[i], &bytes, sizeof bytes); /* how many stay is told below */
    }
    shuffle(&rng, object, count);
    size_t stay = (size_t)(litter.occupancy * (double)count + 0.5);
    uint64_t stay_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        size_t bytes;
        memcpy(&bytes, object[i], sizeof bytes);
        if (i >= stay) {
            free(object[i]);
            continue;
        }
        stay_bytes += bytes;
        memcpy(object[i], &kept[lane->index], sizeof(void *));
        kept[lane->index] = object[i];
    }
    hx_unmap(object, map_bytes);
    return stay_bytes;
}
