/* hx_plain_type.h - type descriptors of a backend that wants to know nothing of an object but its size and whether it has pointers.
 *
 * Why: only libua reads where the pointers are. For malloc, regions, libgc and the floor a descriptor is two constants that the
 * compiler sees through. */
#ifndef HX_PLAIN_TYPE_H
#define HX_PLAIN_TYPE_H

#include "backends/hx_backend.h"

typedef const struct hx_plain_type {
    size_t size_bytes;
    bool has_pointers;
} hx_type;

#define HX_TYPE(name, T, ...) static hx_type name __attribute__((unused)) = {sizeof(T), true}
#define HX_SCALAR_TYPE(name, T) static hx_type name __attribute__((unused)) = {sizeof(T), false}
#define HX_PTR(field) field
#define HX_PTRS(field, count) field
#define HX_NESTED(field, type) field
HX_INLINE size_t hx_type_size_bytes(hx_type *type) {
    return type->size_bytes;
}

#endif
