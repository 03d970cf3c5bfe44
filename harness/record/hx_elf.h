/* hx_elf.h - the few facts about a shared library that can be read without loading it.
 *
 * Why: loading another malloc into the harness would replace the harness's own; and a library's build-id is the only name that
 * two machines agree on. Reads the file through a private mapping, every offset checked. No state, any thread. */
#ifndef HX_ELF_H
#define HX_ELF_H

#include "record/hx_error.h"

enum { HX_BUILD_ID_BYTES = 132 }; /* hex digits of a build-id of up to 64 bytes, and a terminator */

struct hx_elf {
    bool has_build_id;
    char build_id[HX_BUILD_ID_BYTES];
    bool exports[8]; /* one per symbol asked for */
};

/* Reads path as a shared library (or position-independent program) for this machine and says which of up to 8 symbols it defines.
 * `symbols` is NULL-terminated. False with one line that says what the file is not. */
bool hx_elf_read(const char *path, const char *const *symbols, struct hx_elf *out, struct hx_error *error);

/* The build-id of a file as text, or false. */
bool hx_build_id(const char *path, char out[HX_BUILD_ID_BYTES]);

#endif
