/* Ownership helpers: the cleanup attribute for locals, TAKE() to hand a pointer over. */
#ifndef SHUNT_BASE_CLEANUP_H
#define SHUNT_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f)     __attribute__((cleanup(f)))
#define _must_check_     __attribute__((warn_unused_result))
#define _printf_(fmt, n) __attribute__((format(printf, fmt, n)))
#define _unused_         __attribute__((unused))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Hand over what p holds and leave NULL behind, so that a cleanup of p does nothing. */
#define TAKE(p)                          \
	({                               \
		__typeof__(p) *__p = &(p); \
		__typeof__(p) __v = *__p;  \
		*__p = NULL;             \
		__v;                     \
	})

/* The same for a descriptor: leaves -1 behind. */
#define TAKE_FD(fd)                 \
	({                          \
		int *__p = &(fd);   \
		int __v = *__p;     \
		*__p = -1;          \
		__v;                \
	})

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void fclosep(FILE **f)
{
	if (*f != NULL)
		fclose(*f);
}

#endif
