/* The roles: their names, users, seals and entries, all from roles.def. */
#ifndef SHUNT_AGENT_ROLE_H
#define SHUNT_AGENT_ROLE_H

#include <stdint.h>
#include "base/log.h"
#include "model/model.h"

enum role {
#define ROLE(name, user, seal, text) ROLE_##name,
#include "agent/roles.def"
#undef ROLE
	ROLES,
};

/* Where a role finds its socket after it was started. */
#define ROLE_SOCKET 3

/* What main() knows when it calls a role. */
struct role_start {
	enum log_level log_level;
	unsigned workers; /* proxy threads */
};

/* The roles that control starts: run until control says stop or is gone; the process's exit status. */
int role_auth(const struct role_start *start);
int role_proxy(const struct role_start *start);
int role_monitor(const struct role_start *start);

const char *role_name(enum role role);
/* ROLES when there is none of that name. */
enum role role_find(const char *name);
/* The user a role runs as in a generation; NULL: it keeps its user. */
const char *role_user(enum role role, const struct generation *generation);
/* Seal this process as its role: capabilities, system calls. Logs and returns negative when it cannot: the role must end. */
int role_seal(enum role role) _must_check_;
/* Run one of the roles that control starts. */
int role_run(enum role role, const struct role_start *start);

#endif
