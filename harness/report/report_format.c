/* report_format.c - digits, units and escapes. See report_format.h. */
#include "report/report_format.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Puts a comma before every third digit of the whole part of a plain decimal. */
static void group_thousands(char *out, const char *plain) {
    size_t sign = plain[0] == '-';
    size_t whole = strcspn(plain + sign, ".");
    size_t used = 0;
    if (sign) {
        out[used++] = '-';
    }
    for (size_t i = 0; plain[sign + i] != '\0' && used + 2 < HX_REPORT_SHOWN_BYTES; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0) {
            out[used++] = ',';
        }
        out[used++] = plain[sign + i];
    }
    out[used] = '\0';
}

static void show_fixed(char *out, double value, int places) {
    char plain[HX_REPORT_SHOWN_BYTES];
    snprintf(plain, sizeof plain, "%.*f", places, value);
    group_thousands(out, plain);
}

/* Places after the point that leave three digits that matter; 9.996 rounds to 10.0, so the bound is just below. */
static int places_for(double value) {
    double size = fabs(value);
    if (size >= 99.95) {
        return 0;
    }
    if (size >= 9.995) {
        return 1;
    }
    if (size >= 0.0995 || size == 0) {
        return 2;
    }
    return 4;
}

void hx_report_show_number(char *out, double value) {
    show_fixed(out, value, places_for(value));
}

void hx_report_show_count(char *out, double value) {
    show_fixed(out, value, value == floor(value) ? 0 : 1);
}

void hx_report_show_duration(char *out, double value_ns) {
    static const struct {
        double least_ns;
        double unit_ns;
        const char *name;
    } step[] = {{999.5e6, 1e9, "s"}, {999.5e3, 1e6, "ms"}, {999.5, 1e3, "us"}};
    for (size_t i = 0; i < HX_COUNT_OF(step); i++) {
        if (value_ns >= step[i].least_ns) {
            char number[HX_REPORT_SHOWN_BYTES];
            hx_report_show_number(number, value_ns / step[i].unit_ns);
            snprintf(out, HX_REPORT_SHOWN_BYTES, "%.40s %s", number, step[i].name);
            return;
        }
    }
    snprintf(out, HX_REPORT_SHOWN_BYTES, "%.*f ns", value_ns == floor(value_ns) ? 0 : 1, value_ns);
}

void hx_report_show_bytes(char *out, double value_bytes) {
    static const char *const name[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    while (fabs(value_bytes) >= 999.5 && unit + 1 < HX_COUNT_OF(name)) {
        value_bytes /= 1024;
        unit++;
    }
    char number[HX_REPORT_SHOWN_BYTES];
    show_fixed(number, value_bytes, unit == 0 ? 0 : places_for(value_bytes));
    snprintf(out, HX_REPORT_SHOWN_BYTES, "%.40s %s", number, name[unit]);
}

void hx_report_show_unit(char *out, double value, const char *unit) {
    if (strcmp(unit, "ns") == 0) {
        hx_report_show_duration(out, value);
    } else if (strcmp(unit, "bytes") == 0) {
        hx_report_show_bytes(out, value);
    } else if (strcmp(unit, "count") == 0) {
        hx_report_show_count(out, value);
    } else {
        hx_report_show_number(out, value);
    }
}

void hx_report_show_ratio(char *out, double ratio) {
    double factor = ratio < 1 ? 1 / ratio : ratio;
    if (!(ratio > 0) || factor < 1.005) {
        snprintf(out, HX_REPORT_SHOWN_BYTES, ratio > 0 ? "same" : "-");
        return;
    }
    char number[HX_REPORT_SHOWN_BYTES];
    hx_report_show_number(number, factor);
    snprintf(out, HX_REPORT_SHOWN_BYTES, "%.36sx %s", number, ratio < 1 ? "faster" : "slower");
}

const char *hx_report_pages_name(const char *pages) {
    if (strcmp(pages, "4k") == 0) {
        return "4 KiB pages";
    }
    return strcmp(pages, "huge") == 0 ? "huge pages" : pages;
}

void hx_report_escape_html(struct hx_text *text, const char *string) {
    if (string == NULL) {
        return;
    }
    for (; *string != '\0'; string++) {
        switch (*string) {
        case '&': hx_text_put(text, "&amp;"); break;
        case '<': hx_text_put(text, "&lt;"); break;
        case '>': hx_text_put(text, "&gt;"); break;
        case '"': hx_text_put(text, "&quot;"); break;
        case '\'': hx_text_put(text, "&#39;"); break;
        default: hx_text_bytes(text, string, 1);
        }
    }
}

void hx_report_escape_markdown(struct hx_text *text, const char *string) {
    for (; *string != '\0'; string++) {
        char one[2] = {*string, '\0'};
        if (*string == '|') {
            hx_text_put(text, "\\|");
        } else if (*string == '\n' || *string == '\r') {
            hx_text_put(text, " ");
        } else {
            hx_report_escape_html(text, one);
        }
    }
}

void hx_report_quote_gnuplot(struct hx_text *text, const char *string) {
    hx_text_put(text, "'");
    for (; *string != '\0'; string++) {
        if (*string == '\'') {
            hx_text_put(text, "''");
        } else {
            hx_text_bytes(text, *string == '\n' ? " " : string, 1);
        }
    }
    hx_text_put(text, "'");
}

size_t hx_report_columns(const char *string) {
    size_t columns = 0;
    for (; *string != '\0'; string++) {
        columns += ((unsigned char)*string & 0xc0u) != 0x80u;
    }
    return columns;
}
