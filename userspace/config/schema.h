/* Schema tables: each noun of the configuration is one table of fields. From these come parsing, defaults, validation, the
 * reference YAML, the manual page and the JSON schema. No key is compared anywhere else. */
#ifndef SHUNT_CONFIG_SCHEMA_H
#define SHUNT_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/diag.h"
#include "config/node.h"

/* The C type a field is stored as, at field.offset of the struct that its schema fills. */
enum field_type {
	FIELD_BOOL,      /* bool: true/false/yes/no/on/off */
	FIELD_UINT,      /* uint32_t within [min, max] */
	FIELD_PORT,      /* uint16_t 1…65535 */
	FIELD_DURATION,  /* uint32_t milliseconds: 500ms 5s 30m 2h 1d */
	FIELD_SIZE,      /* uint32_t bytes: 4096 64k 1m */
	FIELD_STRING,    /* const char * */
	FIELD_NAME,      /* const char *: letters, digits, - _ . and at most 31 bytes */
	FIELD_PATH,      /* const char *: a file, resolved by the room that reads it */
	FIELD_ADDR,      /* struct addr */
	FIELD_ENUM,      /* int: index into words */
	FIELD_REF,       /* struct conf_ref: the name of an object in another section, resolved by model/ */
	FIELD_OBJECT,    /* struct filled by sub, in place */
	FIELD_LIST,      /* struct conf_list of item (a scalar type or FIELD_OBJECT); one scalar may stand for a list of one */
	FIELD_MAP,       /* struct conf_list of FIELD_OBJECT whose first member is struct conf_head */
};

struct conf_head {
	const char *name;   /* key in the map; NULL for list items */
	struct place place; /* of the key (maps) or the value (lists) */
};

struct conf_ref {
	const char *name; /* NULL: not given */
	struct place place;
};

struct conf_list {
	void *items;         /* n elements of the C type of the item */
	struct place *places; /* one an item */
	size_t n;
};

#define FIELD_REQUIRED 1u
#define FIELD_INLINE   2u /* FIELD_OBJECT: `true` or an empty map means "with all defaults" */

struct field {
	const char *key;
	enum field_type type;
	enum field_type item;        /* of a list */
	size_t offset;
	const char *fallback;        /* the default, as YAML text; NULL: zero */
	uint64_t min, max;           /* UINT, DURATION (ms), SIZE, LIST (number of items); max 0: no bound */
	const char *const *words;    /* ENUM: NULL-terminated */
	const struct schema *sub;    /* OBJECT, MAP, LIST of OBJECT */
	const char *section;         /* REF: which map it points into: "pools" */
	unsigned flags;
	size_t present;              /* offset of a struct place that is filled when the key is given; 0: none */
	const char *example;         /* for the reference YAML, when the default is no help */
	const char *doc;             /* one or two sentences for the manual */
};

struct schema {
	const char *name; /* of one object: "vip" */
	const char *doc;
	size_t size;      /* of the C struct */
	const struct field *fields;
	size_t n_fields;
};

#define FIELD_AT(type, member) .offset = offsetof(type, member)

/* Fill object (zeroed, schema->size bytes) from a map node; defaults first. Every mistake goes to diag.
 * Returns the number of errors added. Strings live in the arena. */
size_t schema_bind(const struct schema *schema, const struct node *map, struct arena *arena, struct diag *diag,
                   void *object);

#endif
