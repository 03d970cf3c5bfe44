/* hx_samples.c - see hx_samples.h. */
#include "record/hx_samples.h"

#include "record/hx_rundir.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMN_COUNT = 15 };

void hx_samples_write_header(struct hx_buffer *out) {
    hx_buffer_print(out, "%s\n", HX_SAMPLES_HEADER);
}

/* A word and its separator; an empty word becomes "-" so that no column vanishes. */
static void write_word(struct hx_buffer *out, const char *word, char separator) {
    size_t at = out->size_bytes;
    hx_buffer_print(out, "%s%c", word[0] != '\0' ? word : "-", separator);
    for (size_t i = at; i + 1 < out->size_bytes; i++) {
        if ((unsigned char)out->data[i] < ' ') {
            out->data[i] = ' ';
        }
    }
}

void hx_sample_write(struct hx_buffer *out, const struct hx_sample *row) {
    write_word(out, hx_pass_name(row->pass), '\t');
    write_word(out, row->side, '\t');
    write_word(out, row->scenario, '\t');
    write_word(out, row->backend, '\t');
    write_word(out, row->arm, '\t');
    hx_buffer_print(out, "%u\t%s\t", row->threads, hx_pages_name(row->pages));
    write_word(out, row->options, '\t');
    hx_buffer_print(out, "%u\t", row->rep);
    if (row->order < 0) {
        hx_buffer_print(out, "-\t");
    } else {
        hx_buffer_print(out, "%" PRId64 "\t", row->order);
    }
    write_word(out, row->phase, '\t');
    write_word(out, row->metric, '\t');
    write_word(out, row->unit, '\t');
    write_word(out, row->kind == HX_VALUE_NULL ? "null" : row->text, '\t');
    write_word(out, row->kind == HX_VALUE_NULL ? row->reason : "-", '\n');
}

static bool parse_u32(const char *text, unsigned *out) {
    uint64_t value = 0;
    if (!hx_parse_u64(text, &value) || value > UINT32_MAX) {
        return false;
    }
    *out = (unsigned)value;
    return true;
}

static bool parse_order(const char *text, int64_t *out) {
    uint64_t value = 0;
    if (strcmp(text, "-") == 0) {
        *out = -1;
        return true;
    }
    if (!hx_parse_u64(text, &value) || value > INT64_MAX) {
        return false;
    }
    *out = (int64_t)value;
    return true;
}

/* Sixteen hex digits are a checksum even when they happen to look like a number. */
static enum hx_value_kind value_kind(const char *text, const char *unit, double *number) {
    if (strcmp(text, "null") == 0) {
        return HX_VALUE_NULL;
    }
    bool decimal = strspn(text, "0123456789.-") == strlen(text) && strcmp(unit, "hex") != 0;
    return decimal && hx_parse_double(text, number) ? HX_VALUE_NUMBER : HX_VALUE_WORD;
}

/* Splits one line in place; NULL or the name of the column that is wrong. */
static const char *parse_row(char *line, struct hx_sample *row) {
    char *column[COLUMN_COUNT];
    size_t count = 0;
    for (char *at = line; at != NULL && count < COLUMN_COUNT; count++) {
        column[count] = at;
        at = strchr(at, '\t');
        if (at != NULL && count + 1 < COLUMN_COUNT) {
            *at++ = '\0';
        }
    }
    if (count != COLUMN_COUNT || strchr(column[COLUMN_COUNT - 1], '\t') != NULL) {
        return "number of columns";
    }
    *row = (struct hx_sample){.side = column[1],     .scenario = column[2], .backend = column[3], .arm = column[4],
                              .options = column[7],  .phase = column[10],   .metric = column[11], .unit = column[12],
                              .text = column[13],    .reason = column[14]};
    if (!hx_pass_from_name(column[0], &row->pass)) {
        return "pass";
    }
    if (!parse_u32(column[5], &row->threads)) {
        return "threads";
    }
    if (!hx_pages_from_name(column[6], &row->pages)) {
        return "pages";
    }
    if (!parse_u32(column[8], &row->rep)) {
        return "rep";
    }
    if (!parse_order(column[9], &row->order)) {
        return "order";
    }
    row->kind = value_kind(row->text, row->unit, &row->number);
    return row->kind == HX_VALUE_NULL && strcmp(row->reason, "-") == 0 ? "reason (a null needs one)" : NULL;
}

bool hx_samples_read(const char *path, struct hx_samples *out, struct hx_error *error) {
    *out = (struct hx_samples){0};
    struct hx_buffer file = {0};
    if (!hx_file_slurp(path, &file, error)) {
        return false;
    }
    out->storage = file.data != NULL ? file.data : hx_dup("");
    size_t line_count = 0;
    for (const char *p = out->storage; (p = strchr(p, '\n')) != NULL; p++) {
        line_count++;
    }
    out->rows = hx_alloc((line_count + 1) * sizeof *out->rows);
    char *line = out->storage;
    const char *problem = NULL;
    size_t number = 1;
    for (char *end; problem == NULL && (end = strchr(line, '\n')) != NULL; line = end + 1, number++) {
        *end = '\0';
        if (number == 1) {
            problem = strcmp(line, HX_SAMPLES_HEADER) == 0 ? NULL : "header";
        } else {
            problem = parse_row(line, &out->rows[out->row_count]);
            out->row_count += problem == NULL;
        }
        if (problem != NULL) {
            break;
        }
    }
    if (problem == NULL && (line_count == 0 || line[0] != '\0')) {
        problem = line_count == 0 ? "header" : "line without an end";
    }
    if (problem != NULL) {
        hx_samples_free(out);
        return hx_fail(error, "%s, line %zu: wrong %s", path, number, problem);
    }
    return true;
}

void hx_samples_free(struct hx_samples *samples) {
    free(samples->rows);
    free(samples->storage);
    *samples = (struct hx_samples){0};
}
