/* hx_tree.h - jansson with the checks that every reader here needs: a missing or ill-typed member is one line naming it.
 *
 * Why: request, observation, catalogue, plan and run.json share their spelling of a cell; it is written and read here alone.
 * Not for workers' own output (base/hx_text.h writes that without malloc). */
#ifndef HX_TREE_H
#define HX_TREE_H

#include "record/hx_cell.h"
#include "record/hx_error.h"
#include "record/hx_words.h"

#include <jansson.h>

/* Sets a member and takes the value's reference; out of memory is fatal. */
void hx_tree_put(json_t *object, const char *key, json_t *value);

/* A string; bytes that are no UTF-8 become '?'. */
json_t *hx_tree_word(const char *text);

/* A 64-bit count as a JSON integer; one above 2^63 - 1 (a seed may be) as the decimal string that hx_tree_get_count reads too. */
json_t *hx_tree_count(uint64_t count);

/* One line of text in fresh memory; takes the reference. Member order is insertion order, so equal trees give equal text. */
char *hx_tree_dump(json_t *value);

/* The same, indented, with a newline at the end: for files that people open. */
char *hx_tree_dump_pretty(json_t *value);

/* Parses an object. `what` names the text in the error line. NULL on failure. */
json_t *hx_tree_parse(const char *text, const char *what, struct hx_error *error);

/* Members that must be there. Strings are borrowed from the object. */
bool hx_tree_get_count(const json_t *object, const char *key, uint64_t *out, struct hx_error *error);
bool hx_tree_get_number(const json_t *object, const char *key, double *out, struct hx_error *error);
bool hx_tree_get_string(const json_t *object, const char *key, const char **out, struct hx_error *error);

/* "protocol" must be HX_PROTOCOL_VERSION. */
bool hx_tree_check_protocol(const json_t *object, const char *what, struct hx_error *error);

/* scenario backend arm threads pages options; scale cycles_per_block blocks. */
void hx_tree_put_cell_words(json_t *object, const struct hx_cell *cell);
void hx_tree_put_dials(json_t *object, const struct hx_cell *cell);
bool hx_tree_get_cell_words(const json_t *object, struct hx_cell *out, struct hx_error *error);
bool hx_tree_get_dials(const json_t *object, struct hx_cell *out, struct hx_error *error);

#endif
