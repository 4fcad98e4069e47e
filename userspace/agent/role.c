/* roles.def as tables. */
#include "agent/role.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include "agent/sandbox.h"

#define NO_USER                 SIZE_MAX
#define GENERATION_USER(member) offsetof(struct generation, member)

/* control is the one that starts the others; it has no entry here. */
static int role_control(const struct role_start *start _unused_)
{
	return EXIT_FAILURE;
}

static const struct {
	const char *name;
	size_t user; /* offset of a const char * in struct generation, or NO_USER */
	enum seal seal;
	int (*entry)(const struct role_start *start);
} TABLE[ROLES] = {
#define ROLE(name, user, seal, text) [ROLE_##name] = { #name, user, seal, role_##name },
#include "agent/roles.def"
#undef ROLE
};

const char *role_name(enum role role)
{
	return TABLE[role].name;
}

enum role role_find(const char *name)
{
	for (enum role role = 0; role < ROLES; role++)
		if (strcmp(TABLE[role].name, name) == 0)
			return role;
	return ROLES;
}

const char *role_user(enum role role, const struct generation *generation)
{
	const char *user;

	if (TABLE[role].user == NO_USER)
		return NULL;
	memcpy(&user, (const char *)generation + TABLE[role].user, sizeof(user));
	return user;
}

int role_seal(enum role role)
{
	int r = sandbox_seal(TABLE[role].seal);

	if (r < 0)
		log_error("cannot restrict the system calls of this process: %s", strerror(-r));
	return r;
}

int role_run(enum role role, const struct role_start *start)
{
	char name[16];

	/* What ps and top show: the program was executed as /proc/self/exe. */
	snprintf(name, sizeof(name), "shunt-%s", TABLE[role].name);
	(void)prctl(PR_SET_NAME, name, 0, 0, 0);
	log_init(TABLE[role].name, start->log_level);
	return TABLE[role].entry(start);
}
