/* The control socket: <run_dir>/control.sock, a stream socket, mode 0660. One request a line of JSON, one answer a line of
 * JSON, then control closes.
 *
 *   {"verb": "reload", "dry_run": true}
 *   → {"ok": true, "result": {…}}
 *   → {"ok": false, "error": "shunt.yaml:12:3: …\n…", "code": 2}
 *
 * verbs, their arguments and results are in docs/control-protocol.md. Codes are the exit codes of the shunt command. */
#ifndef SHUNT_CONTROL_PROTOCOL_H
#define SHUNT_CONTROL_PROTOCOL_H

#define CONTROL_SOCKET     "control.sock"
#define CONTROL_RUN_DIR    "/run/shunt"
#define CONTROL_PIN_DIR    "/sys/fs/bpf/shunt"
#define CONTROL_CONFIG     "/etc/shunt/shunt.yaml"
#define CONTROL_REQUEST_MAX 65536

/* Exit codes of the shunt command, the same for all verbs. */
enum control_code {
	CONTROL_OK = 0,
	CONTROL_FAILED = 1,      /* it was tried and did not work */
	CONTROL_BAD_CONFIG = 2,  /* the configuration or the command line is wrong */
	CONTROL_NOT_FOUND = 3,   /* no vip, pool, backend … of that name */
	CONTROL_NO_AGENT = 4,    /* shuntd does not run (or may not be asked) */
	CONTROL_NO_PLANE = 5,    /* no pinned maps: the kernel plane is not loaded */
};

/* CONTROL_VERB(name, "arguments", "what it does"): each verb is control/verb_<name>.c */
enum control_verb {
#define CONTROL_VERB(name, arguments, text) CONTROL_VERB_##name,
#include "control/verbs.def"
#undef CONTROL_VERB
	CONTROL_VERBS,
};

#endif
