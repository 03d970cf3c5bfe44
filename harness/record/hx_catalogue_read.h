/* hx_catalogue_read.h - one worker's answer to `--list`, checked and merged into a catalogue.
 *
 * Why apart: what a worker says is foreign input with many ways to be wrong, and this can be tested without starting one. */
#ifndef HX_CATALOGUE_READ_H
#define HX_CATALOGUE_READ_H

#include "record/hx_catalogue.h"

/* Adds worker, backends and scenarios of the answer. path is the program that gave it (copied). A scenario that another worker
 * listed already must have the same dials: a build of two revisions is refused. On failure one line; the catalogue may hold part of
 * the answer and is only good for hx_catalogue_free. */
bool hx_catalogue_read(const char *answer, const char *path, struct hx_catalogue *catalogue, struct hx_error *error);

#endif
