/* hx_ua_type.h - type descriptors of the backends over libua: its own. */
#ifndef HX_UA_TYPE_H
#define HX_UA_TYPE_H

#include "backends/hx_backend.h"
#include "ua.h"

typedef const struct ua_type hx_type;

#define HX_TYPE UA_TYPE
#define HX_SCALAR_TYPE UA_SCALAR_TYPE
#define HX_PTR UA_PTR
#define HX_PTRS UA_PTRS
#define HX_NESTED UA_NESTED
HX_INLINE size_t hx_type_size_bytes(hx_type *type) {
    return type->size_bytes;
}

UA_SCALAR_TYPE(hx_byte_type, char);

#endif
