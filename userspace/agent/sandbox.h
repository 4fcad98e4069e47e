/* What a process gives up, and for good: user, capabilities, new privileges, system calls. */
#ifndef SHUNT_AGENT_SANDBOX_H
#define SHUNT_AGENT_SANDBOX_H

#include <stdbool.h>
#include <sys/types.h>
#include "base/cleanup.h"

/* Which system calls a process may make: columns of agent/syscalls.def. */
enum seal {
	SEAL_CONTROL, /* everything but what no part of shunt ever needs */
	SEAL_QUIET,   /* memory, time, its own descriptors */
	SEAL_PROBE,   /* and connect */
	SEAL_SERVE,   /* and accept, threads, files of the access log */
};

struct sandbox_user {
	uid_t uid;
	gid_t gid;
};

/* Look a user up; -ENOENT when there is none, and root is refused with -EPERM. */
int sandbox_user(const char *name, struct sandbox_user *ret_user) _must_check_;
/* Become that user with no supplementary groups, no capability in any set, and no way back. Between fork and exec. */
int sandbox_drop(const struct sandbox_user *user) _must_check_;
/* Keep only the capabilities that control needs after start, in all sets, and no way back. */
int sandbox_control(void) _must_check_;
/* Install the system call filter for this process and all its threads. */
int sandbox_seal(enum seal seal) _must_check_;
/* No core dumps, no ptrace by the same user: memory holds keys. */
int sandbox_no_dump(void) _must_check_;

#endif
