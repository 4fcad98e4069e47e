/* The control socket: who may ask is checked by the kernel's word about the peer; sizes and times are bounded. */
#ifndef SHUNT_CONTROL_SERVER_H
#define SHUNT_CONTROL_SERVER_H

#include "base/diag.h"
#include "control/control.h"
#include "loop/loop.h"

struct control_server;

/* Bind <run_dir>/control.sock (replacing what a dead agent left) and answer from control. The caller holds the lock of
 * run_dir. */
int control_server_new(struct loop *loop, struct control *control, struct diag *diag,
                       struct control_server **ret_server) _must_check_;
/* Close and remove the socket. */
struct control_server *control_server_free(struct control_server *server);

#endif
