/* Arena: a list of blocks; allocation is a pointer bump, freeing is freeing the blocks. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct block {
	struct block *next;
	size_t used;
	size_t size;
	max_align_t bytes[];
};

struct arena {
	struct block *head;
	size_t block_size;
	size_t total;
};

static struct block *block_new(struct arena *arena, size_t size)
{
	struct block *block = calloc(1, sizeof(*block) + size);

	if (block == NULL)
		return NULL;
	block->size = size;
	block->next = arena->head;
	arena->head = block;
	arena->total += sizeof(*block) + size;
	return block;
}

struct arena *arena_new(size_t block_size)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (arena == NULL)
		return NULL;
	arena->block_size = block_size > 0 ? block_size : 4096;
	return arena;
}

static void blocks_free(struct block *block)
{
	while (block != NULL) {
		struct block *next = block->next;

		free(block);
		block = next;
	}
}

struct arena *arena_free(struct arena *arena)
{
	if (arena != NULL)
		blocks_free(arena->head);
	free(arena);
	return NULL;
}

void arena_reset(struct arena *arena)
{
	struct block *keep = arena->head;

	if (keep == NULL)
		return;
	/* Keep a block of the usual size only: one huge request must not stay for ever. */
	if (keep->size > arena->block_size) {
		blocks_free(keep);
		arena->head = NULL;
		arena->total = 0;
		return;
	}
	blocks_free(keep->next);
	keep->next = NULL;
	memset(keep->bytes, 0, keep->used);
	keep->used = 0;
	arena->total = sizeof(*keep) + keep->size;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct block *block = arena->head;
	void *p;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
	if (block == NULL || block->size - block->used < size)
		block = block_new(arena, size > arena->block_size ? size : arena->block_size);
	if (block == NULL)
		return NULL;
	p = (char *)block->bytes + block->used;
	block->used += size;
	return p;
}

void *arena_array(struct arena *arena, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		return NULL;
	return arena_alloc(arena, total);
}

char *arena_strndup(struct arena *arena, const char *s, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);

	if (copy != NULL)
		memcpy(copy, s, len);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *s)
{
	return arena_strndup(arena, s, strlen(s));
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0)
		return NULL;
	text = arena_alloc(arena, (size_t)len + 1);
	if (text == NULL)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(text, (size_t)len + 1, fmt, ap);
	va_end(ap);
	return text;
}

size_t arena_size(const struct arena *arena)
{
	return arena->total;
}
