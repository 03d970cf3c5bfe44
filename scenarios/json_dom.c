/* json_dom - parse a JSON document into a tree of typed nodes, walk it, drop it.
 *
 * Why: the commonest tree of small mixed objects that real programs build and throw away as a whole: strings of all lengths,
 * pointers in exact slices, numbers. Real input (Debian's iso-codes by default), any file by --input. A life is one document.
 * Scale is the amount of text in one cycle, of which each document gets an equal share: small messages come often, large
 * files once, in an order drawn by the seed.
 *
 * Children are gathered on a fixed stack (sized at set-up) and copied into a slice of the exact count, as most parsers do. */
#define SC_ZEROED 0
#include "scenarios/common/sc_json_check.h"
#include "scenarios/common/sc_json_text.h"
#include "scenarios/common/sc_scenario.h"
#include "scenarios/common/sc_scope.h"

enum kind { KIND_NULL, KIND_FALSE, KIND_TRUE, KIND_NUMBER, KIND_STRING, KIND_ARRAY, KIND_OBJECT };

/* What every node begins with; count: bytes of a string, children of an array or object. */
struct node {
    uint32_t kind;
    uint32_t count;
};

struct number {
    struct node node;
    double value;
};

struct string {
    struct node node;
    char *text; /* terminated */
};

struct array {
    struct node node;
    struct item *items; /* NULL when there are none */
};

struct item {
    struct node *value;
};

struct object {
    struct node node;
    struct member *members; /* NULL when there are none */
};

struct member {
    char *name; /* terminated */
    struct node *value;
    uint64_t name_bytes;
};

HX_SCALAR_TYPE(number_type, struct number);
HX_TYPE(string_type, struct string, HX_PTR(text));
HX_TYPE(array_type, struct array, HX_PTR(items));
HX_TYPE(item_type, struct item, HX_PTR(value));
HX_TYPE(object_type, struct object, HX_PTR(members));
HX_TYPE(member_type, struct member, HX_PTR(name), HX_PTR(value));

/* true, false and null are the same for everybody, as in most libraries. */
static struct node node_null = {KIND_NULL, 0};
static struct node node_false = {KIND_FALSE, 0};
static struct node node_true = {KIND_TRUE, 0};

/* Text in one cycle at scale 1: its trees come to nearly one chunk of 8 MiB. */
#define TEXT_BYTES_AT_SCALE_1 3.5e6

struct plan {
    const struct sc_input *input;
    uint32_t *document; /* index of each life's input */
    size_t lives;
    struct member *pending;
    size_t pending_bytes;
};

/* What the parser's stack needs for the hungriest document. */
static size_t check_inputs(const struct sc_setup *setup) {
    size_t pending_max = 1;
    for (size_t i = 0; i < setup->input_count; i++) {
        const struct sc_input *input = &setup->input[i];
        if (input->size_bytes > UINT32_MAX) {
            hx_die("input \"%s\": larger than 4 GiB", input->path);
        }
        struct sc_json_shape shape;
        sc_json_check(input->path, input->data, input->size_bytes, &shape);
        pending_max = shape.pending_max > pending_max ? shape.pending_max : pending_max;
    }
    return pending_max;
}

/* Below scale 1 a document that is more than half of the text stays out, but for the smallest of all. */
static bool takes_part(const struct sc_setup *setup, size_t index, double text_bytes) {
    bool smallest = true;
    for (size_t i = 0; i < setup->input_count; i++) {
        bool before = setup->input[i].size_bytes < setup->input[index].size_bytes;
        smallest = smallest && !before;
    }
    return setup->scale >= 1 || smallest || (double)setup->input[index].size_bytes <= text_bytes / 2;
}

/* How often each document is parsed; returns the sum. Documents larger than their share come once, the others share what is left. */
static size_t share_out(const struct sc_setup *setup, uint32_t *times) {
    double left_bytes = TEXT_BYTES_AT_SCALE_1 * setup->scale;
    size_t sharing = 0;
    for (size_t i = 0; i < setup->input_count; i++) {
        times[i] = takes_part(setup, i, left_bytes) ? UINT32_MAX : 0; /* UINT32_MAX: not decided */
        sharing += times[i] != 0;
    }
    size_t lives = 0;
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < setup->input_count; i++) {
            double size_bytes = (double)setup->input[i].size_bytes;
            if (times[i] == UINT32_MAX && size_bytes > left_bytes / (double)sharing) {
                times[i] = 1;
                lives++;
                left_bytes -= size_bytes;
                sharing--;
                again = true;
            }
        }
    }
    for (size_t i = 0; i < setup->input_count; i++) {
        if (times[i] == UINT32_MAX) {
            times[i] = (uint32_t)(left_bytes / (double)sharing / (double)setup->input[i].size_bytes);
            lives += times[i];
        }
    }
    return lives;
}

static const void *setup(const struct sc_setup *setup) {
    struct plan *plan = sc_keep(sizeof *plan);
    plan->input = setup->input;
    plan->pending_bytes = check_inputs(setup) * sizeof *plan->pending;
    plan->pending = sc_keep(plan->pending_bytes);
    uint32_t *times = sc_keep(setup->input_count * sizeof *times);
    plan->lives = share_out(setup, times);
    plan->document = sc_keep(plan->lives * sizeof *plan->document);
    size_t filled = 0;
    for (size_t i = 0; i < setup->input_count; i++) {
        for (uint32_t j = 0; j < times[i]; j++) {
            plan->document[filled++] = (uint32_t)i;
        }
    }
    struct hx_rng rng;
    hx_rng_init(&rng, setup->seed);
    hx_rng_shuffle(&rng, plan->document, plan->lives);
    return plan;
}

/* ---- building --------------------------------------------------------------------------------------------------------- */

struct parser {
    struct sc_json_cursor cursor;
    struct sc_scope *scope;
    struct member *pending; /* stack of children whose array or object is not closed yet */
    size_t pending_count;
};

/* The text was checked at set-up: an error here is a bug of ours. */
_Noreturn __attribute__((cold)) static void impossible(const char *why) {
    hx_die("json_dom: checked text failed to parse: %s", why);
}

static struct node *parse_value(struct parser *parser);

/* At the opening quote. */
static char *parse_text(struct parser *parser, size_t *bytes) {
    const char *start = ++parser->cursor.next;
    const char *why = sc_json_string_scan(&parser->cursor, bytes);
    if (__builtin_expect(why != NULL, 0)) {
        impossible(why);
    }
    const char *closing = parser->cursor.next - 1;
    char *text = sc_bytes(parser->scope, *bytes + 1);
    if ((size_t)(closing - start) == *bytes) {
        memcpy(text, start, *bytes); /* no escape in it */
    } else {
        sc_json_string_decode(start, closing, text);
    }
    text[*bytes] = '\0';
    return text;
}

static struct node *parse_string(struct parser *parser) {
    size_t bytes;
    char *text = parse_text(parser, &bytes);
    struct string *string = sc_new(parser->scope, &string_type);
    string->node = (struct node){KIND_STRING, (uint32_t)bytes};
    hx_store(&string->text, text);
    return &string->node;
}

static struct node *parse_number(struct parser *parser) {
    double value;
    const char *why = sc_json_number(&parser->cursor, &value);
    if (__builtin_expect(why != NULL, 0)) {
        impossible(why);
    }
    struct number *number = sc_new(parser->scope, &number_type);
    number->node = (struct node){KIND_NUMBER, 0};
    number->value = value;
    return &number->node;
}

/* Next of ',' (true) or the closing bracket (false). */
static bool another(struct parser *parser) {
    sc_json_space(&parser->cursor);
    return *parser->cursor.next++ == ',';
}

static bool empty_list(struct parser *parser, char closer) {
    parser->cursor.next++;
    sc_json_space(&parser->cursor);
    if (*parser->cursor.next != closer) {
        return false;
    }
    parser->cursor.next++;
    return true;
}

static struct node *parse_array(struct parser *parser) {
    size_t first = parser->pending_count;
    if (!empty_list(parser, ']')) {
        do {
            struct node *value = parse_value(parser);
            parser->pending[parser->pending_count++].value = value;
        } while (another(parser));
    }
    size_t count = parser->pending_count - first;
    struct item *items = count == 0 ? NULL : sc_slice(parser->scope, &item_type, count);
    for (size_t i = 0; i < count; i++) {
        hx_store(&items[i].value, parser->pending[first + i].value);
    }
    parser->pending_count = first;
    struct array *array = sc_new(parser->scope, &array_type);
    array->node = (struct node){KIND_ARRAY, (uint32_t)count};
    hx_store(&array->items, items);
    return &array->node;
}

static struct node *parse_object(struct parser *parser) {
    size_t first = parser->pending_count;
    if (!empty_list(parser, '}')) {
        do {
            size_t name_bytes;
            sc_json_space(&parser->cursor);
            char *name = parse_text(parser, &name_bytes);
            sc_json_space(&parser->cursor);
            parser->cursor.next++; /* ':' */
            struct node *value = parse_value(parser);
            parser->pending[parser->pending_count++] = (struct member){name, value, name_bytes};
        } while (another(parser));
    }
    size_t count = parser->pending_count - first;
    struct member *members = count == 0 ? NULL : sc_slice(parser->scope, &member_type, count);
    for (size_t i = 0; i < count; i++) {
        hx_store(&members[i].name, parser->pending[first + i].name);
        hx_store(&members[i].value, parser->pending[first + i].value);
        members[i].name_bytes = parser->pending[first + i].name_bytes;
    }
    parser->pending_count = first;
    struct object *object = sc_new(parser->scope, &object_type);
    object->node = (struct node){KIND_OBJECT, (uint32_t)count};
    hx_store(&object->members, members);
    return &object->node;
}

static struct node *parse_value(struct parser *parser) {
    sc_json_space(&parser->cursor);
    switch (*parser->cursor.next) {
    case '{':
        return parse_object(parser);
    case '[':
        return parse_array(parser);
    case '"':
        return parse_string(parser);
    case 't':
        parser->cursor.next += 4;
        return &node_true;
    case 'f':
        parser->cursor.next += 5;
        return &node_false;
    case 'n':
        parser->cursor.next += 4;
        return &node_null;
    default:
        return parse_number(parser);
    }
}

/* ---- walking and dropping --------------------------------------------------------------------------------------------- */

static uint64_t walk(uint64_t sum, const struct node *node) {
    sum = hx_checksum_word(sum, (uint64_t)node->kind << 32 | node->count);
    switch (node->kind) {
    case KIND_NUMBER: {
        uint64_t bits;
        memcpy(&bits, &((const struct number *)node)->value, sizeof bits);
        return hx_checksum_word(sum, bits);
    }
    case KIND_STRING:
        return hx_checksum_bytes(sum, ((const struct string *)node)->text, node->count);
    case KIND_ARRAY: {
        const struct item *items = ((const struct array *)node)->items;
        for (uint32_t i = 0; i < node->count; i++) {
            sum = walk(sum, items[i].value);
        }
        return sum;
    }
    case KIND_OBJECT: {
        const struct member *members = ((const struct object *)node)->members;
        for (uint32_t i = 0; i < node->count; i++) {
            sum = hx_checksum_bytes(sum, members[i].name, members[i].name_bytes);
            sum = walk(sum, members[i].value);
        }
        return sum;
    }
    default:
        return sum;
    }
}

static void drop(struct sc_scope *scope, struct node *node) {
    switch (node->kind) {
    case KIND_NUMBER:
        sc_free(scope, node, sizeof(struct number));
        return;
    case KIND_STRING:
        sc_free(scope, ((struct string *)node)->text, (size_t)node->count + 1);
        sc_free(scope, node, sizeof(struct string));
        return;
    case KIND_ARRAY: {
        struct item *items = ((struct array *)node)->items;
        for (uint32_t i = 0; i < node->count; i++) {
            drop(scope, items[i].value);
        }
        if (items != NULL) {
            sc_free(scope, items, node->count * sizeof *items);
        }
        sc_free(scope, node, sizeof(struct array));
        return;
    }
    case KIND_OBJECT: {
        struct member *members = ((struct object *)node)->members;
        for (uint32_t i = 0; i < node->count; i++) {
            sc_free(scope, members[i].name, members[i].name_bytes + 1);
            drop(scope, members[i].value);
        }
        if (members != NULL) {
            sc_free(scope, members, node->count * sizeof *members);
        }
        sc_free(scope, node, sizeof(struct object));
        return;
    }
    default:
        return; /* the three that everybody shares */
    }
}

HX_INLINE uint64_t cycle(struct sc_run *run, const struct plan *plan) {
    uint64_t sum = HX_CHECKSUM_INIT;
    sc_root(run, plan->pending, plan->pending_bytes);
    for (size_t i = 0; i < plan->lives; i++) {
        const struct sc_input *input = &plan->input[plan->document[i]];
        struct sc_scope scope;
        sc_scope_open(run, &scope);
        struct parser parser = {.cursor = {input->data, input->data + input->size_bytes},
                                .scope = &scope,
                                .pending = plan->pending};
        struct node *root = parse_value(&parser);
        sc_use(&scope);
        sum = walk(sum, root);
        sc_release(&scope);
        if (HX_FREES_EACH) {
            drop(&scope, root);
        }
        sc_scope_close(&scope);
    }
    return sum;
}

#define ISO_CODES "/usr/share/iso-codes/json/"
static const char *const default_input[] = {
    ISO_CODES "iso_15924.json", ISO_CODES "iso_3166-1.json",
    ISO_CODES "iso_3166-2.json", ISO_CODES "iso_3166-3.json",
    ISO_CODES "iso_4217.json", ISO_CODES "iso_639-2.json",
    ISO_CODES "iso_639-3.json", ISO_CODES "iso_639-5.json",
    ISO_CODES "schema-15924.json", ISO_CODES "schema-3166-1.json",
    ISO_CODES "schema-3166-2.json", ISO_CODES "schema-3166-3.json",
    ISO_CODES "schema-4217.json", ISO_CODES "schema-639-2.json",
    ISO_CODES "schema-639-3.json", ISO_CODES "schema-639-5.json",
    NULL,
};

static const struct sc_info info = {
    .name = "json_dom",
    .why = "Real JSON documents parsed into a tree of typed nodes, walked and dropped as a whole.",
    .needs_input = true,
    .zeroed = SC_ZEROED,
    .default_input = default_input,
    .dials = {[SC_PROFILE_QUICK] = {{1.0, 1, 5}, {1.0, 1, 8}},
              [SC_PROFILE_FULL] = {{1.0, 1, 5}, {1.0, 1, 8}},
              [SC_PROFILE_GATE] = {[SC_PAGES_HUGE] = {0.25, 1, 16}}},
    .setup = setup,
};

SC_SCENARIO(json_dom, info, cycle);
