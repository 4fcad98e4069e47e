/* Intrusive doubly linked list with a sentinel head. */
#ifndef SHUNT_BASE_LIST_H
#define SHUNT_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev;
	struct list *next;
};

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
/* The element may be removed inside the body. */
#define list_foreach(it, head) \
	for (struct list *it = (head)->next, *it##_next = it->next; it != (head); \
	     it = it##_next, it##_next = it->next)

static inline void list_init(struct list *list)
{
	list->prev = list->next = list;
}

static inline bool list_empty(const struct list *list)
{
	return list->next == list;
}

static inline void list_insert(struct list *before, struct list *item)
{
	item->prev = before->prev;
	item->next = before;
	before->prev->next = item;
	before->prev = item;
}

static inline void list_append(struct list *head, struct list *item)
{
	list_insert(head, item);
}

static inline void list_prepend(struct list *head, struct list *item)
{
	list_insert(head->next, item);
}

static inline void list_remove(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	list_init(item);
}

#endif
