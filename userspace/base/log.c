/* Log lines, one write each, so that lines of several roles do not mix. */
#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048

static const char *log_role = "shunt";
static enum log_level log_least = LOG_LEVEL_INFO;
static bool log_to_journal;

void log_init(const char *role, enum log_level level)
{
	log_role = role;
	log_least = level;
	log_to_journal = getenv("JOURNAL_STREAM") != NULL;
}

static int log_head(char *line, size_t size, enum log_level level)
{
	static const char *const WORDS[] = { [LOG_LEVEL_ERROR] = "error: ",
		                             [LOG_LEVEL_WARNING] = "warning: ",
		                             [LOG_LEVEL_NOTICE] = "",
		                             [LOG_LEVEL_INFO] = "",
		                             [LOG_LEVEL_DEBUG] = "debug: " };
	struct timespec now;
	struct tm tm;
	char stamp[32];

	if (log_to_journal)
		return snprintf(line, size, "<%d>%s: ", level, log_role);
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%H:%M:%S", &tm);
	return snprintf(line, size, "%s.%03ld %s: %s", stamp, now.tv_nsec / 1000000, log_role,
	                WORDS[level]);
}

void log_write(enum log_level level, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	size_t at;
	va_list ap;
	int n;

	if (level > log_least)
		return;
	n = log_head(line, sizeof(line), level);
	at = n > 0 ? (size_t)n : 0;
	va_start(ap, fmt);
	n = vsnprintf(line + at, sizeof(line) - at - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	at += (size_t)n;
	if (at > sizeof(line) - 2)
		at = sizeof(line) - 2;
	/* A value from outside must not start a line of its own. */
	for (size_t i = 0; i < at; i++)
		if ((unsigned char)line[i] < ' ')
			line[i] = ' ';
	line[at++] = '\n';
	if (write(STDERR_FILENO, line, at) < 0)
		return;
}
