/* Collects, sorts and prints what is wrong with a configuration. */
#include "base/diag.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void diag_add(struct diag *diag, enum diag_level level, const struct place *place,
                     const char *fmt, va_list ap)
{
	struct diag_entry *grown, *entry;

	if (diag == NULL)
		return;
	grown = realloc(diag->entries, (diag->n + 1) * sizeof(*grown));
	if (grown == NULL)
		return;
	diag->entries = grown;
	entry = &grown[diag->n];
	memset(entry, 0, sizeof(*entry));
	if (vasprintf(&entry->text, fmt, ap) < 0)
		return;
	entry->level = level;
	if (place != NULL) {
		entry->place = *place;
		entry->place.file = place->file != NULL ? strdup(place->file) : NULL;
	}
	diag->n++;
	diag->errors += level == DIAG_ERROR;
}

int diag_error(struct diag *diag, int code, const struct place *place, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_add(diag, DIAG_ERROR, place, fmt, ap);
	va_end(ap);
	return code;
}

void diag_warn(struct diag *diag, const struct place *place, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_add(diag, DIAG_WARNING, place, fmt, ap);
	va_end(ap);
}

static int entry_before(const struct diag_entry *a, const struct diag_entry *b)
{
	int by_file = strcmp(a->place.file != NULL ? a->place.file : "",
	                     b->place.file != NULL ? b->place.file : "");

	if (by_file != 0)
		return by_file < 0;
	if (a->place.line != b->place.line)
		return a->place.line < b->place.line;
	return a->place.column < b->place.column;
}

/* Insertion sort: stable, and there are never many. */
void diag_sort(struct diag *diag)
{
	for (size_t i = 1; i < diag->n; i++) {
		struct diag_entry entry = diag->entries[i];
		size_t j = i;

		for (; j > 0 && entry_before(&entry, &diag->entries[j - 1]); j--)
			diag->entries[j] = diag->entries[j - 1];
		diag->entries[j] = entry;
	}
}

void diag_print(const struct diag *diag, FILE *out)
{
	for (size_t i = 0; i < diag->n; i++) {
		const struct diag_entry *e = &diag->entries[i];

		if (e->place.file != NULL)
			fprintf(out, "%s:", e->place.file);
		if (e->place.line > 0)
			fprintf(out, "%u:%u:", e->place.line, e->place.column);
		fprintf(out, "%s%s%s\n", e->place.file != NULL ? " " : "",
		        e->level == DIAG_WARNING ? "warning: " : "", e->text);
	}
}

char *diag_text(const struct diag *diag)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	diag_print(diag, out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

void diag_done(struct diag *diag)
{
	for (size_t i = 0; i < diag->n; i++) {
		free((char *)diag->entries[i].place.file);
		free(diag->entries[i].text);
	}
	free(diag->entries);
	memset(diag, 0, sizeof(*diag));
}

#define WORD_MAX 40

/* Edits (insert, delete, replace, swap of neighbours) that turn a into b, case ignored. */
static size_t edits(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	size_t row[3][WORD_MAX + 1];

	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *now = row[i % 3], *last = row[(i - 1) % 3], *before = row[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t same = strncasecmp(&a[i - 1], &b[j - 1], 1) == 0;
			size_t best = last[j - 1] + !same;

			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[la % 3][lb];
}

const char *diag_nearest(const char *what, const char *const *words, size_t n)
{
	const char *nearest = NULL;
	size_t best = strlen(what) / 3 + 1;

	for (size_t i = 0; i < n; i++) {
		size_t d = edits(what, words[i]);

		if (d > best || (d == best && nearest != NULL) || d >= strlen(words[i]))
			continue;
		best = d;
		nearest = words[i];
	}
	return nearest;
}
