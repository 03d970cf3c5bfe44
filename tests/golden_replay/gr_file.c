/* gr_file.c - reading golden files; see gr_file.h. */
#include "gr_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

static bool ends_with(const char *text, const char *tail)
{
    size_t text_length = strlen(text);
    size_t tail_length = strlen(tail);

    return text_length >= tail_length && strcmp(text + text_length - tail_length, tail) == 0;
}

static char *read_all(const char *path, size_t *length)
{
    FILE *stream = fopen(path, "rb");
    char *data = NULL;
    size_t used = 0;
    size_t capacity = 0;

    if (stream == NULL)
        return NULL;
    for (;;) {
        size_t got;

        if (capacity - used < 4096) {
            char *grown = realloc(data, capacity = capacity * 2 + 65536);

            if (grown == NULL)
                break;
            data = grown;
        }
        got = fread(data + used, 1, capacity - used - 1, stream);
        used += got;
        if (got == 0) {
            if (ferror(stream))
                break;
            fclose(stream);
            data[used] = '\0';
            *length = used;
            return data;
        }
    }
    fclose(stream);
    free(data);
    return NULL;
}

static char *decompress(const char *packed, size_t packed_bytes, size_t *length)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    ZSTD_inBuffer in = {packed, packed_bytes, 0};
    char *data = NULL;
    size_t capacity = 0;
    ZSTD_outBuffer out = {NULL, 0, 0};
    size_t left = 1;

    while (context != NULL && (in.pos < in.size || out.pos == out.size)) {
        if (out.size - out.pos < 4096) {
            char *grown = realloc(data, (capacity = capacity * 2 + 262144) + 1);

            if (grown == NULL)
                goto fail;
            data = grown;
            out.dst = data;
            out.size = capacity;
        }
        left = ZSTD_decompressStream(context, &out, &in);
        if (ZSTD_isError(left))
            goto fail;
        if (in.pos == in.size && out.pos < out.size)
            break;
    }
    if (context == NULL || left != 0)
        goto fail; /* cut short */
    ZSTD_freeDCtx(context);
    data[out.pos] = '\0';
    *length = out.pos;
    return data;
fail:
    ZSTD_freeDCtx(context);
    free(data);
    return NULL;
}

bool gr_file_load(struct gr_file *f, const char *path, const char *folder, const char **reason)
{
    size_t folder_length = strlen(folder);

    memset(f, 0, sizeof *f);
    f->path = strdup(path);
    f->folder = folder;
    f->shown = f->path;
    if (strncmp(path, folder, folder_length) == 0 && path[folder_length] == '/')
        f->shown = f->path + folder_length + 1;
    f->text = read_all(path, &f->length_bytes);
    if (f->text == NULL) {
        *reason = "cannot be read";
        return false;
    }
    if (ends_with(path, ".zst")) {
        char *plain = decompress(f->text, f->length_bytes, &f->length_bytes);

        free(f->text);
        f->text = plain;
        if (plain == NULL) {
            *reason = "is not a whole zstd file";
            return false;
        }
    }
    if (memchr(f->text, '\0', f->length_bytes) != NULL) {
        *reason = "holds a zero byte: not a text";
        return false;
    }
    f->cursor = f->text;
    return true;
}

void gr_file_unload(struct gr_file *f)
{
    free(f->text);
    free(f->path);
    memset(f, 0, sizeof *f);
}

char *gr_file_next(struct gr_file *f)
{
    char *line = f->cursor;
    char *end;

    if (line == NULL || *line == '\0')
        return NULL;
    end = strchr(line, '\n');
    if (end != NULL) {
        *end = '\0';
        if (end > line && end[-1] == '\r')
            end[-1] = '\0';
        f->cursor = end + 1;
    } else {
        f->cursor = line + strlen(line);
    }
    f->line++;
    return line;
}

json_t *gr_file_next_json(struct gr_file *f)
{
    json_error_t error;
    json_t *object;
    char *line;

    do {
        line = gr_file_next(f);
    } while (line != NULL && *line == '\0');
    if (line == NULL)
        return NULL;
    object = json_loads(line, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(object))
        return object;
    json_decref(object);
    gr_fail(f, "not a JSON object: %s", object == NULL ? error.text : "another value");
    return NULL;
}

bool gr_fail(struct gr_file *f, const char *format, ...)
{
    va_list args;

    if (f->failed)
        return false;
    f->failed = true;
    printf("FAIL %s:%d: ", f->shown, f->line);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    return false;
}

bool gr_count(const json_t *object, const char *key, size_t *count)
{
    const json_t *value = json_object_get(object, key);

    if (value == NULL)
        return true;
    *count = (size_t)json_integer_value(value);
    return json_is_integer(value) && json_integer_value(value) >= 0;
}

const char *gr_string(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}
