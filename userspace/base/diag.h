/* What is said to the person who wrote the configuration: file:line:column, what was found, what was expected.
 * Rooms below the coordinators never log; they fill a diag. Several errors can be collected in one run. */
#ifndef SHUNT_BASE_DIAG_H
#define SHUNT_BASE_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include "base/cleanup.h"

/* Where something stands in a configuration file. Lines and columns count from 1; line 0 means unknown. */
struct place {
	const char *file;
	unsigned line;
	unsigned column;
};

enum diag_level {
	DIAG_ERROR,
	DIAG_WARNING,
};

struct diag_entry {
	enum diag_level level;
	struct place place;
	char *text; /* without place and level */
};

struct diag {
	struct diag_entry *entries;
	size_t n;
	size_t errors;
};

/* Add an error or a warning; place may be NULL. Returns code, so that a caller can `return diag_error(…)`.
 * diag may be NULL: the text is dropped, the code still returned. file is copied. */
int diag_error(struct diag *diag, int code, const struct place *place, const char *fmt, ...)
	_printf_(4, 5);
void diag_warn(struct diag *diag, const struct place *place, const char *fmt, ...) _printf_(3, 4);
/* Sort by file, line, column (stable), as a person reads. */
void diag_sort(struct diag *diag);
/* "file:line:column: text" or "file:line:column: warning: text", one a line. */
void diag_print(const struct diag *diag, FILE *out);
/* All entries as one heap string, newline-terminated lines; NULL when out of memory. Caller frees. */
char *diag_text(const struct diag *diag);
/* Release what the diag holds; it can be used again. */
void diag_done(struct diag *diag);

/* The closest of n words to what, if it is near enough to be a slip of the fingers; NULL otherwise. */
const char *diag_nearest(const char *what, const char *const *words, size_t n);

#endif
