/* The run directory and its lock: one shuntd each. */
#ifndef SHUNT_AGENT_RUNDIR_H
#define SHUNT_AGENT_RUNDIR_H

#include "base/diag.h"

/* Make path if it is not there and lock it for this process; *ret_fd holds the lock. -EBUSY: another shuntd, whose pid is in
 * the message. */
int rundir_lock(const char *path, struct diag *diag, int *ret_fd) _must_check_;

#endif
