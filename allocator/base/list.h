/* list.h - an intrusive doubly linked list with a length.
 *
 * Why intrusive: list operations must not allocate, and a chunk leaves the middle of the quarantine list in O(1).
 * Each node knows its list, so that a removal from the wrong list is fatal (Go: "on the wrong list"). */
#ifndef UA_BASE_LIST_H
#define UA_BASE_LIST_H

#include "base/base.h"

struct ua_list;

struct ua_node {
    struct ua_node *next;
    struct ua_node *previous;
    struct ua_list *list; /* NULL: on no list */
};

struct ua_list {
    struct ua_node *first;
    struct ua_node *last;
    size_t count;
};

static inline void ua_list_insert_front(struct ua_list *list, struct ua_node *node)
{
    UA_CHECK(node->list == NULL, "list: node is on a list already");
    node->list = list;
    node->previous = NULL;
    node->next = list->first;
    if (list->first != NULL)
        list->first->previous = node;
    else
        list->last = node;
    list->first = node;
    list->count++;
}

static inline void ua_list_insert_back(struct ua_list *list, struct ua_node *node)
{
    UA_CHECK(node->list == NULL, "list: node is on a list already");
    node->list = list;
    node->next = NULL;
    node->previous = list->last;
    if (list->last != NULL)
        list->last->next = node;
    else
        list->first = node;
    list->last = node;
    list->count++;
}

static inline void ua_list_remove(struct ua_list *list, struct ua_node *node)
{
    UA_CHECK(node->list == list, "user arena span is on the wrong list");
    if (node->previous != NULL)
        node->previous->next = node->next;
    else
        list->first = node->next;
    if (node->next != NULL)
        node->next->previous = node->previous;
    else
        list->last = node->previous;
    node->next = NULL;
    node->previous = NULL;
    node->list = NULL;
    list->count--;
}

/* Takes the first node off, NULL when empty. */
static inline struct ua_node *ua_list_take_front(struct ua_list *list)
{
    struct ua_node *node = list->first;

    if (node != NULL)
        ua_list_remove(list, node);
    return node;
}

/* Takes the last node off, NULL when empty. */
static inline struct ua_node *ua_list_take_back(struct ua_list *list)
{
    struct ua_node *node = list->last;

    if (node != NULL)
        ua_list_remove(list, node);
    return node;
}

#define UA_CONTAINER(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))

#endif
