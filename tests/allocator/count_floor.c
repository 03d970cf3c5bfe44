/* count_floor.c - `count_floor PATH N` walks the floor of an allocation path N times: backend bump, in the loop of count_paths.c.
 *
 * `inlined` is what gcc makes of that loop: it keeps the pointer in a register and stores it once, at the end, which no allocator that another
 * function may call in between can do. `committed` has the pointer in memory after each allocation. `checked` also asks whether the
 * object still fits, as a floor must that has an end: what an arena's path is compared with. */
#include <stdlib.h>

#include "backends/hx_backend_bump.h"

struct with_pointer {
    void *p;
    long v;
};
HX_TYPE(with_pointer_type, struct with_pointer, HX_PTR(p));

static __attribute__((noinline)) void inlined(struct hx_scope *scope, long n)
{
    for (long i = 0; i < n; i++)
        ((struct with_pointer *)hx_new(scope, &with_pointer_type))->v = i;
}

static __attribute__((noinline)) void committed(struct hx_scope *scope, long n)
{
    for (long i = 0; i < n; i++) {
        ((struct with_pointer *)hx_new(scope, &with_pointer_type))->v = i;
        __asm__ volatile("" ::: "memory");
    }
}

static char *end;

static __attribute__((noinline)) void checked(struct hx_env *env, long n)
{
    for (long i = 0; i < n; i++) {
        struct with_pointer *object = (struct with_pointer *)(void *)env->next;

        if (env->next + sizeof *object > end)
            abort();
        env->next += sizeof *object;
        object->v = i;
        __asm__ volatile("" ::: "memory");
    }
}

static __attribute__((noinline)) void out_of_line(struct hx_scope *scope, hx_type *type, long n)
{
    for (long i = 0; i < n; i++)
        *(long *)HX_NEW_RUNTIME(scope, type) = i;
}

int main(int argc, char **argv)
{
    struct hx_open_args args = {.backend = "bump", .arm = "bulk", .options = "-", .scopes_open = 1};
    struct hx_scope scope;
    struct hx_env env;
    hx_type *type = &with_pointer_type;
    long n;

    if (argc != 3 || hx_open(&env, &args) != NULL)
        return 5;
    n = strtol(argv[2], NULL, 10);
    __asm__("" : "+r"(type));
    hx_scope_open(&env, &scope);
    end = env.base + env.mapped_bytes;
    if (strcmp(argv[1], "inlined") == 0)
        inlined(&scope, n);
    else if (strcmp(argv[1], "committed") == 0)
        committed(&scope, n);
    else if (strcmp(argv[1], "checked") == 0)
        checked(&env, n);
    else if (strcmp(argv[1], "out_of_line") == 0)
        out_of_line(&scope, type, n);
    else
        return 5;
    hx_scope_close(&scope);
    hx_close(&env);
    return 0;
}
