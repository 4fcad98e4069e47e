/* The bundle: every byte a generation is built from, read once by control: the YAML file and the files it names.
 * Control hands it to the other roles as a sealed memory file, so that no role opens configuration files itself and
 * all build the same generation. Files that only some roles may see (private keys) are left out for the others. */
#ifndef SHUNT_MODEL_BUNDLE_H
#define SHUNT_MODEL_BUNDLE_H

#include <stddef.h>
#include <stdint.h>
#include "base/cleanup.h"
#include "base/diag.h"

/* Who may see a file. */
#define FOR_CONTROL 1u
#define FOR_MONITOR 2u
#define FOR_PROXY   4u
#define FOR_AUTH    8u
#define FOR_ALL     15u

struct blob {
	const char *path; /* as resolved: relative paths are relative to the YAML file's folder */
	uint32_t roles;   /* FOR_… */
	const uint8_t *bytes; /* NUL follows the last byte */
	size_t len;
};

struct bundle;

/* Read the YAML file; more files join while control builds a generation from it (bundle_file). -errno if unreadable,
 * with the reason in diag. One reference is the caller's. */
int bundle_open(const char *yaml_path, struct diag *diag, struct bundle **ret_bundle) _must_check_;
/* A bundle from memory, for tests: file names other files relative to it. */
int bundle_from_text(const char *name, const char *text, struct bundle **ret_bundle) _must_check_;
struct bundle *bundle_ref(struct bundle *bundle);
struct bundle *bundle_unref(struct bundle *bundle);
/* The YAML text itself. */
const struct blob *bundle_yaml(const struct bundle *bundle);
/* The file named by path. In control it is read from disk the first time; a bundle received from control only knows
 * what it carries. roles are added to those who may see it. -ENOENT, -EACCES, … as open and read say; *ret_blob NULL and
 * 0 when this role may not see the file. */
int bundle_file(struct bundle *bundle, const char *path, uint32_t roles, const struct blob **ret_blob) _must_check_;
/* Write what the roles in mask may see to a sealed memfd, which the caller owns. */
int bundle_send(const struct bundle *bundle, uint32_t mask, int *ret_fd) _must_check_;
/* The receiving side; mask is this role's bit. Does not close fd. */
int bundle_receive(int fd, uint32_t mask, struct bundle **ret_bundle) _must_check_;

static inline void bundle_unrefp(struct bundle **bundle)
{
	bundle_unref(*bundle);
}

#endif
