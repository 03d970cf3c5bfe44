/* hx_rng.h - seeded random numbers and a checksum, the same on every machine and every run.
 *
 * Why: a seed must repeat the plan and the work exactly, and two backends must prove that they built the same thing.
 * xoshiro256** (Blackman and Vigna, public domain description) seeded by splitmix64; the checksum is a 64-bit multiply-mix hash
 * over words, not for security. Threads: one state belongs to one thread. */
#ifndef HX_RNG_H
#define HX_RNG_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct hx_rng {
    uint64_t state[4];
};

/* One step of splitmix64: advances *state, returns 64 well-mixed bits. Also turns one seed into many. */
static inline uint64_t hx_splitmix64(uint64_t *state) {
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline void hx_rng_init(struct hx_rng *rng, uint64_t seed) {
    for (size_t i = 0; i < 4; i++) {
        rng->state[i] = hx_splitmix64(&seed);
    }
}

static inline uint64_t hx_rotate_left(uint64_t x, unsigned bits) {
    return (x << bits) | (x >> (64 - bits));
}

/* 64 uniform bits. */
static inline uint64_t hx_rng_next(struct hx_rng *rng) {
    uint64_t *s = rng->state;
    uint64_t result = hx_rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = hx_rotate_left(s[3], 45);
    return result;
}

/* Uniform in 0 .. bound-1, without bias (Lemire's multiply-and-reject). bound must be > 0. */
static inline uint64_t hx_rng_below(struct hx_rng *rng, uint64_t bound) {
    unsigned __int128 wide = (unsigned __int128)hx_rng_next(rng) * bound;
    if ((uint64_t)wide < bound) {
        uint64_t reject_below = (0 - bound) % bound;
        while ((uint64_t)wide < reject_below) {
            wide = (unsigned __int128)hx_rng_next(rng) * bound;
        }
    }
    return (uint64_t)(wide >> 64);
}

/* Uniform in [0, 1), 53 bits. */
static inline double hx_rng_unit(struct hx_rng *rng) {
    return (double)(hx_rng_next(rng) >> 11) * 0x1.0p-53;
}

/* Shuffles 0-based indices in place: every order equally likely. */
static inline void hx_rng_shuffle(struct hx_rng *rng, uint32_t *index, size_t count) {
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)hx_rng_below(rng, i);
        uint32_t swap = index[i - 1];
        index[i - 1] = index[j];
        index[j] = swap;
    }
}

#define HX_CHECKSUM_INIT UINT64_C(0xcbf29ce484222325)

/* Folds one word into a running checksum; order matters. Three operations: cheap enough for a scenario's read-back. */
static inline uint64_t hx_checksum_word(uint64_t sum, uint64_t word) {
    sum = (sum ^ word) * UINT64_C(0x9fb21c651e98df25);
    return sum ^ (sum >> 32);
}

/* Folds `count` bytes and their number; equal bytes give equal sums on every little-endian machine. */
static inline uint64_t hx_checksum_bytes(uint64_t sum, const void *bytes, size_t count) {
    const unsigned char *p = (const unsigned char *)bytes;
    size_t left_bytes = count;
    for (; left_bytes >= 8; left_bytes -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        sum = hx_checksum_word(sum, word);
    }
    uint64_t tail = 0;
    if (left_bytes != 0) {
        memcpy(&tail, p, left_bytes);
    }
    return hx_checksum_word(hx_checksum_word(sum, tail), count);
}

#endif
