/* A YAML document as a tree of nodes that know where they stand. Anchors, aliases, tags and second documents are refused;
 * duplicate keys are errors at the second one. Depth and size are bounded. */
#ifndef SHUNT_CONFIG_NODE_H
#define SHUNT_CONFIG_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include "base/arena.h"
#include "base/diag.h"

enum node_kind {
	NODE_SCALAR,
	NODE_LIST,
	NODE_MAP,
};

struct node {
	enum node_kind kind;
	struct place place; /* of the value */
	struct place key_place;
	const char *key;    /* in a map; NULL elsewhere */
	const char *text;   /* scalar */
	bool quoted;        /* 'x' or "x": a string whatever it looks like */
	struct node *first; /* list, map */
	struct node *next;  /* sibling */
	size_t n;           /* children */
};

#define node_foreach(it, parent) for (const struct node *it = (parent)->first; it != NULL; it = it->next)

/* Parse text; nodes live in the arena. Mistakes go to diag; -EINVAL when there is no usable tree.
 * An empty document gives an empty map. */
int yaml_parse(struct arena *arena, const char *file, const char *text, size_t len, struct diag *diag,
               const struct node **ret_root) _must_check_;
const struct node *node_child(const struct node *map, const char *key);

#endif
