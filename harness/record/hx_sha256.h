/* hx_sha256.h - SHA-256 (FIPS 180-4) of a buffer.
 *
 * Why: two runs are of the same plan when their plan_sha256 is equal; a 64-bit checksum would do here, but a reader can check this
 * one with sha256sum. None of the libraries we need anyway has it. Pure, any thread. */
#ifndef HX_SHA256_H
#define HX_SHA256_H

#include <stddef.h>

/* 64 lower-case hex digits and a terminator. */
void hx_sha256_hex(const void *data, size_t size_bytes, char out[65]);

#endif
