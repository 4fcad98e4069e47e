/* Are the certificates, keys and authorities of a generation usable? Asked before anything of it is applied, and by
 * --check. */
#ifndef SHUNT_AGENT_TLSCHECK_H
#define SHUNT_AGENT_TLSCHECK_H

#include "base/diag.h"
#include "model/model.h"

/* Every mistake goes to diag; -EINVAL when there is one. */
int tls_check(const struct generation *generation, struct diag *diag) _must_check_;

#endif
