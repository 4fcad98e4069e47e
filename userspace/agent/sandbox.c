/* libcap-ng for capabilities, libseccomp for the filter; lists in syscalls.def. */
#include "agent/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

int sandbox_user(const char *name, struct sandbox_user *ret_user)
{
	const struct passwd *entry;

	errno = 0;
	entry = getpwnam(name);
	if (entry == NULL)
		return errno != 0 && errno != ENOENT ? -errno : -ENOENT;
	if (entry->pw_uid == 0)
		return -EPERM;
	ret_user->uid = entry->pw_uid;
	ret_user->gid = entry->pw_gid;
	return 0;
}

int sandbox_drop(const struct sandbox_user *user)
{
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		return -errno;
	capng_clear(CAPNG_SELECT_ALL);
	if (capng_change_id((int)user->uid, (int)user->gid,
	                    CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING | CAPNG_CLEAR_AMBIENT) != 0)
		return -EPERM;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	/* Believe the kernel, not the return values. */
	if (getuid() != user->uid || geteuid() != user->uid || getgid() != user->gid ||
	    setresuid(0, 0, 0) == 0 || prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) != 0)
		return -EPERM;
	return 0;
}

int sandbox_control(void)
{
	static const unsigned KEPT[] = {
		CAP_BPF,       /* maps and programs of the kernel plane, on reload too */
		CAP_PERFMON,   /* the verifier grants pointer arithmetic that XDP programs need */
		CAP_NET_ADMIN, /* attach to interfaces, netlink */
		CAP_NET_RAW,   /* wake a neighbour up that is not yet known */
		CAP_NET_BIND_SERVICE, /* ports below 1024 of vips that a reload adds */
		CAP_SETUID,           /* a role that is restarted becomes its user, … */
		CAP_SETGID,           /* … its group, … */
		CAP_SETPCAP,          /* … and empties its bounding set */
		CAP_KILL,             /* end a role that does not end by itself */
		CAP_DAC_READ_SEARCH,  /* a reload may read every file that the start could read */
	};

	capng_clear(CAPNG_SELECT_ALL);
	for (size_t i = 0; i < ARRAY_SIZE(KEPT); i++)
		if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET,
		                 KEPT[i]) != 0)
			return -EINVAL;
	if (capng_apply(CAPNG_SELECT_ALL) != 0)
		return -EPERM;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

int sandbox_no_dump(void)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

/* A call that this architecture does not have cannot be made either. */
static int add(scmp_filter_ctx filter, uint32_t action, int call)
{
	int r;

	if (call < 0)
		return 0;
	r = seccomp_rule_add(filter, action, call, 0);
	return r == -EEXIST ? 0 : r;
}

static int allow_arguments(scmp_filter_ctx filter, enum seal seal)
{
	int r;

	/* A thread, never a process. clone3() keeps its flags in memory, where no filter can see them: without it the C
	 * library falls back to clone(). */
	r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
	                     SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
		                     SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
		                     SCMP_A0(SCMP_CMP_EQ, PR_SET_VMA));
	/* Only to itself: abort() and the like. */
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
		                     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
	/* Limits may be read, not set. */
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
		                     SCMP_A2(SCMP_CMP_EQ, 0));
	for (int family = AF_INET; r == 0 && seal >= SEAL_PROBE; family = AF_INET6) {
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
		                     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family));
		if (family == AF_INET6)
			break;
	}
	return r;
}

static int fill_role(scmp_filter_ctx filter, enum seal seal)
{
	int r = allow_arguments(filter, seal);

#define ALLOW(least, call)             \
	if (r == 0 && seal >= (least)) \
		r = add(filter, SCMP_ACT_ALLOW, seccomp_syscall_resolve_name(#call));
#define DEADLY(call) \
	if (r == 0)  \
		r = add(filter, SCMP_ACT_KILL_PROCESS, seccomp_syscall_resolve_name(#call));
#define NEVER(call)
#include "agent/syscalls.def"
#undef ALLOW
#undef DEADLY
#undef NEVER
	return r;
}

static int fill_control(scmp_filter_ctx filter)
{
	int r = 0;

#define ALLOW(least, call)
#define DEADLY(call)
#define NEVER(call) \
	if (r == 0) \
		r = add(filter, SCMP_ACT_ERRNO(EPERM), seccomp_syscall_resolve_name(#call));
#include "agent/syscalls.def"
#undef ALLOW
#undef DEADLY
#undef NEVER
	return r;
}

int sandbox_seal(enum seal seal)
{
	bool control = seal == SEAL_CONTROL;
	scmp_filter_ctx filter = seccomp_init(control ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM));
	int r;

	if (filter == NULL)
		return -ENOMEM;
	/* What is refused is told to the audit log, if the kernel has one. */
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
	/* A binary tree instead of a list: a lookup costs log n comparisons on every call of the proxy. */
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	r = control ? fill_control(filter) : fill_role(filter, seal);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}
