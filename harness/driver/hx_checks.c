/* hx_checks.c - see hx_checks.h. */
#include "driver/hx_checks.h"

#include "record/hx_words.h"

#include <stdlib.h>
#include <string.h>

static struct hx_check *find(const struct hx_checks *checks, const struct hx_cell *cell) {
    for (size_t i = 0; i < checks->count; i++) {
        struct hx_check *check = &checks->checks[i];
        if (strcmp(check->scenario, cell->scenario) == 0 && check->scale == cell->scale && check->threads == cell->threads) {
            return check;
        }
    }
    return NULL;
}

const struct hx_check *hx_checks_find(const struct hx_checks *checks, const struct hx_cell *cell) {
    return find(checks, cell);
}

/* Holds one sum against the first that was given. */
static bool hold(const char *what, const struct hx_cell *cell, const char *sum, char first[20], char first_by[HX_CELL_TITLE_BYTES],
                 struct hx_error *error) {
    char title[HX_CELL_TITLE_BYTES];
    if (sum[0] == '\0') {
        return true;
    }
    hx_cell_title(cell, title);
    if (first[0] == '\0') {
        return hx_copy(first, 20, sum) && hx_copy(first_by, HX_CELL_TITLE_BYTES, title);
    }
    return strcmp(first, sum) == 0 ||
           hx_fail(error, "unequal %s in %s: %s says %s, %s says %s", what, cell->scenario, first_by, first, title, sum);
}

bool hx_checks_note(struct hx_checks *checks, const struct hx_cell *cell, const struct hx_observation *observation,
                    struct hx_error *error) {
    struct hx_check *check = find(checks, cell);
    if (check == NULL) {
        checks->checks = hx_grow(checks->checks, checks->count + 1, sizeof *checks->checks);
        check = &checks->checks[checks->count++];
        *check = (struct hx_check){.scale = cell->scale, .threads = cell->threads};
        HX_CHECK(hx_copy(check->scenario, sizeof check->scenario, cell->scenario));
    }
    bool contents = hold("contents (checksum)", cell, observation->checksum, check->checksum, check->checksum_by, error);
    return contents && hold("allocation sequence (allocation_checksum)", cell, observation->allocation_checksum,
                            check->allocation_checksum, check->allocation_checksum_by, error);
}

void hx_checks_free(struct hx_checks *checks) {
    free(checks->checks);
    *checks = (struct hx_checks){0};
}
