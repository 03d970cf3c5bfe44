/* example.c - a program outside the tree that uses the installed library: a list in an arena. */
#include <stdio.h>
#include <ua.h>

struct node {
    struct node *next;
    char *word;
};
UA_TYPE(node_type, struct node, UA_PTR(next), UA_PTR(word));

int main(void)
{
    struct ua_heap *heap = ua_heap_new(NULL);
    struct ua_arena *arena = heap != NULL ? ua_arena_new(heap) : NULL;
    struct node *list = NULL;

    if (arena == NULL) {
        fprintf(stderr, "%s\n", ua_last_error());
        return 1;
    }
    for (int i = 0; i < 3; i++) {
        struct node *node = ua_new(arena, &node_type);

        node->word = ua_printf(arena, "word %d", i);
        node->next = list;
        list = node;
    }
    for (; list != NULL; list = list->next)
        puts(list->word);
    ua_arena_free(arena);
    ua_heap_close(heap);
    return 0;
}
