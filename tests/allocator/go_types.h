/* go_types.h - the types of Go's arena tests, in C, under their Go names.
 *
 * Why: each test of Go's runtime/arena_test.go has a counterpart here of the same name, so the types keep theirs too. */
#ifndef TESTS_ALLOCATOR_GO_TYPES_H
#define TESTS_ALLOCATOR_GO_TYPES_H

#include <ua.h>

struct small_scalar {
    uintptr_t x;
};
struct small_pointer {
    struct small_pointer *x;
};
struct small_pointer_mix {
    struct small_pointer_mix *a;
    uint8_t b;
    struct small_pointer_mix *c;
    uint8_t d[11];
};
struct medium_scalar_even {
    uint8_t x[8192];
};
struct medium_scalar_odd {
    uint8_t x[3321];
};
struct medium_pointer_even {
    void *x[1024];
};
struct medium_pointer_odd {
    void *x[1023];
};
struct large_scalar {
    uint8_t x[(8 << 20) + 1];
};
struct large_pointer {
    void *x[(1 << 20) + 1];
};

UA_SCALAR_TYPE(small_scalar_type, struct small_scalar);
UA_TYPE(small_pointer_type, struct small_pointer, UA_PTR(x));
UA_TYPE(small_pointer_mix_type, struct small_pointer_mix, UA_PTR(a), UA_PTR(c));
UA_SCALAR_TYPE(medium_scalar_even_type, struct medium_scalar_even);
UA_SCALAR_TYPE(medium_scalar_odd_type, struct medium_scalar_odd);
UA_TYPE(medium_pointer_even_type, struct medium_pointer_even, UA_PTRS(x, 1024));
UA_TYPE(medium_pointer_odd_type, struct medium_pointer_odd, UA_PTRS(x, 1023));
UA_SCALAR_TYPE(large_scalar_type, struct large_scalar);
UA_TYPE(large_pointer_type, struct large_pointer, UA_PTRS(x, (1 << 20) + 1));

/* Every type by name, for loops over all of them. */
struct named_type {
    const char *name;
    const struct ua_type *type;
};

#endif
