/* pairwise.c - see pairwise.h. Greedy: each row begins with a pair that is still missing and takes, factor by factor, the value
 * that covers most missing pairs with what the row has already. */
#include "allocator/pairwise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define UNSET 255

/* Options whose values are numbers: what is worth meeting the others. */
static const struct {
    const char *name;
    const char *values;
} numbers[] = {
    {"quarantine_limit", "- 0 1MiB"}, {"gogc", "off 100"},      {"memory_limit", "off 48MiB"}, {"workers", "0 2"},
    {"decay_ms", "0 1"},
    {"chunk_bytes", "64KiB 128KiB 256KiB 512KiB 1MiB 2MiB 4MiB 8MiB 16MiB 32MiB 64MiB"},
};

static bool has_word(const char *list, const char *word, size_t length)
{
    while (*list != '\0') {
        size_t here = strcspn(list, " ");

        if (here == length && strncmp(list, word, length) == 0)
            return true;
        list += here;
        list += strspn(list, " ");
    }
    return false;
}

static void add_value(struct pw_factor *factor, const char *word, size_t length)
{
    assert_true(factor->count < PW_VALUES_MAX && length < sizeof factor->values[0]);
    memcpy(factor->values[factor->count], word, length);
    factor->values[factor->count++][length] = '\0';
}

/* "option NAME must be a, b or c": the words that this version carries out. */
static void add_words(struct pw_factor *factor, const char *sentence, const char *without)
{
    const char *at = strstr(sentence, "must be ");

    assert_non_null(at);
    for (at += strlen("must be "); *at != '\0';) {
        size_t length = strcspn(at, ", ");
        struct ua_options options;
        char word[32];

        snprintf(word, sizeof word, "%.*s", (int)length, at);
        ua_options_preset(&options, "safe");
        if (strcmp(word, "or") != 0 && !has_word(without, at, length) &&
            (strcmp(factor->name, "preset") == 0 ? ua_options_preset(&options, word)
                                                 : ua_options_set(&options, factor->name, word)) == 0)
            add_value(factor, at, length);
        at += length;
        at += strspn(at, ", ");
    }
    assert_true(factor->count > 0);
}

static void add_numbers(struct pw_factor *factor, const char *values)
{
    while (*values != '\0') {
        size_t length = strcspn(values, " ");

        add_value(factor, values, length);
        values += length;
        values += strspn(values, " ");
    }
}

static void add_factor(struct pw_table *table, const char *name, size_t length, const char *without)
{
    struct pw_factor *factor = &table->factors[table->factor_count++];
    struct ua_options options;

    assert_true(table->factor_count <= PW_FACTORS_MAX && length < sizeof factor->name);
    memcpy(factor->name, name, length);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (strcmp(numbers[i].name, factor->name) == 0) {
            add_numbers(factor, numbers[i].values);
            return;
        }
    if (strcmp(factor->name, "preset") == 0)
        assert_int_equal(ua_options_preset(&options, "?"), -1);
    else
        assert_int_equal(ua_options_set(&options, factor->name, "?"), -1);
    if (strcmp(factor->name, "preset") != 0)
        add_value(factor, "-", 1);
    add_words(factor, ua_last_error(), without);
}

static bool is_met(const struct pw_table *table, size_t f, size_t v, size_t g, size_t w)
{
    for (size_t row = 0; row < table->row_count; row++)
        if (table->rows[row][f] == v && table->rows[row][g] == w)
            return true;
    return false;
}

size_t pw_pairs(const struct pw_table *table, size_t *missing)
{
    size_t pairs = 0;

    *missing = 0;
    for (size_t f = 0; f < table->factor_count; f++)
        for (size_t g = f + 1; g < table->factor_count; g++)
            for (size_t v = 0; v < table->factors[f].count; v++)
                for (size_t w = 0; w < table->factors[g].count; w++, pairs++)
                    *missing += !is_met(table, f, v, g, w);
    return pairs;
}

/* Missing pairs that value v of factor f would cover with what the row has. */
static size_t gain(const struct pw_table *table, const uint8_t *row, size_t f, size_t v)
{
    size_t count = 0;

    for (size_t g = 0; g < table->factor_count; g++)
        if (g != f && row[g] != UNSET)
            count += !is_met(table, f, v, g, row[g]);
    return count;
}

static bool seed_row(const struct pw_table *table, uint8_t *row)
{
    for (size_t f = 0; f < table->factor_count; f++)
        for (size_t g = f + 1; g < table->factor_count; g++)
            for (size_t v = 0; v < table->factors[f].count; v++)
                for (size_t w = 0; w < table->factors[g].count; w++)
                    if (!is_met(table, f, v, g, w)) {
                        row[f] = (uint8_t)v;
                        row[g] = (uint8_t)w;
                        return true;
                    }
    return false;
}

static void make_rows(struct pw_table *table)
{
    for (;;) {
        uint8_t *row = table->rows[table->row_count];

        memset(row, UNSET, table->factor_count);
        if (!seed_row(table, row))
            return;
        for (size_t f = 0; f < table->factor_count; f++) {
            size_t best = table->row_count % table->factors[f].count; /* where nothing is missing: spread */

            if (row[f] != UNSET)
                continue;
            for (size_t v = 0; v < table->factors[f].count; v++)
                if (gain(table, row, f, v) > gain(table, row, f, best))
                    best = v;
            row[f] = (uint8_t)best;
        }
        assert_true(++table->row_count < PW_ROWS_MAX);
    }
}

void pw_make(struct pw_table *table, const char *without)
{
    struct ua_options options;
    const char *names;

    memset(table, 0, sizeof *table);
    add_factor(table, "preset", strlen("preset"), without);
    assert_int_equal(ua_options_preset(&options, "safe"), 0);
    assert_int_equal(ua_options_set(&options, "?", "?"), -1);
    names = strstr(ua_last_error(), "valid: ");
    assert_non_null(names);
    for (names += strlen("valid: "); *names != '\0';) {
        size_t length = strcspn(names, " ");
        char name[32];

        snprintf(name, sizeof name, "%.*s", (int)length, names);
        names += length;
        names += strspn(names, " ");
        add_factor(table, name, strlen(name), without);
    }
    make_rows(table);
}

void pw_options(const struct pw_table *table, size_t row, struct ua_options *options, char *line, size_t capacity)
{
    size_t length = 0;

    for (size_t f = 0; f < table->factor_count; f++) {
        const struct pw_factor *factor = &table->factors[f];
        const char *value = factor->values[table->rows[row][f]];

        if (f == 0)
            assert_int_equal(ua_options_preset(options, value), 0);
        else if (strcmp(value, "-") != 0)
            assert_int_equal(ua_options_set(options, factor->name, value), 0);
        else
            continue;
        if (length < capacity)
            length += (size_t)snprintf(line + length, capacity - length, "%s=%s ", factor->name, value);
    }
}
