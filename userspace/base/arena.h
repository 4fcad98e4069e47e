/* Arena: memory that dies together. A generation and a request each own one. Not thread-safe. */
#ifndef SHUNT_BASE_ARENA_H
#define SHUNT_BASE_ARENA_H

#include <stddef.h>
#include "base/cleanup.h"

struct arena;

/* A new, empty arena that grows by blocks of block_size bytes (0: 4 KiB). NULL when out of memory. */
struct arena *arena_new(size_t block_size);
/* Free the arena and everything in it. NULL is fine; returns NULL. */
struct arena *arena_free(struct arena *arena);
/* Forget everything allocated but keep the first block for the next use. */
void arena_reset(struct arena *arena);

/* size zeroed bytes, aligned for any type; NULL when out of memory. Owned by the arena. */
void *arena_alloc(struct arena *arena, size_t size);
/* n zeroed elements of size bytes; NULL on overflow or when out of memory. */
void *arena_array(struct arena *arena, size_t n, size_t size);
/* Copies, always NUL-terminated. */
char *arena_strdup(struct arena *arena, const char *s);
char *arena_strndup(struct arena *arena, const char *s, size_t len);
char *arena_printf(struct arena *arena, const char *fmt, ...) _printf_(2, 3);
/* Bytes taken from the system so far. */
size_t arena_size(const struct arena *arena);

static inline void arena_freep(struct arena **arena)
{
	arena_free(*arena);
}

#endif
