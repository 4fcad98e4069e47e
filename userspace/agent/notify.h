/* What systemd is told, when it started us (NOTIFY_SOCKET). */
#ifndef SHUNT_AGENT_NOTIFY_H
#define SHUNT_AGENT_NOTIFY_H

#include "base/cleanup.h"

/* "READY=1\nSTATUS=…". Nothing happens without NOTIFY_SOCKET. */
void notify(const char *fmt, ...) _printf_(1, 2);
/* "RELOADING=1" with the time stamp that Type=notify-reload asks for. */
void notify_reloading(void);

#endif
