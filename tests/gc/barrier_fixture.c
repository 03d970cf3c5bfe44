/* barrier_fixture.c - see barrier_fixture.h. */
#include "gc/barrier_fixture.h"

#include <string.h>

UA_TYPE(table_type, struct fx_table, UA_PTRS(slots, FX_TABLE_SLOTS));

const struct ua_type *fx_table_type(void)
{
    return &table_type;
}

struct gs_node *fx_take_left(struct ua_heap *heap, struct gs_node *node)
{
    struct gs_node *taken = node->left;

    ua_store(heap, (void **)&node->left, NULL);
    return taken;
}

struct gs_node *fx_take_left_in_arena(struct ua_heap *heap, struct gs_node *node)
{
    struct gs_node *taken = node->left;

    ua_store(heap, (void **)&node->left, NULL);
    return taken;
}

struct gs_node *fx_take_slot(struct ua_heap *heap, struct fx_table *table, size_t slot)
{
    struct gs_node *taken = table->slots[slot];

    ua_store(heap, (void **)&table->slots[slot], NULL);
    return taken;
}

void fx_assign(struct ua_heap *heap, struct gs_node *to, const struct gs_node *from)
{
    ua_copy(heap, gs_node_type(), to, from, 1);
}

void fx_shift(struct ua_heap *heap, struct gs_node *nodes)
{
    ua_copy(heap, gs_node_type(), nodes, nodes + 1, FX_ARRAY_NODES - 1);
}

void fx_reset(struct ua_heap *heap, struct gs_node *nodes, size_t count)
{
    ua_clear(heap, gs_node_type(), nodes, count);
}
