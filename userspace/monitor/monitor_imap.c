/* IMAP up to where a login would begin. The words of a greeting are the administrator's; only its first one counts. */
#include <errno.h>
#include "monitor/imap_reply.h"
#include "monitor/probe.h"

enum step {
	IMAP_GREETING,
	IMAP_CAPABILITY,
	IMAP_LOGOUT,
};

static const struct {
	const char *name;
	const char *tag;
} steps[] = {
	[IMAP_GREETING] = { "the greeting", "" },
	[IMAP_CAPABILITY] = { "CAPABILITY", "a1" },
	[IMAP_LOGOUT] = { "LOGOUT", "a2" },
};

static void on_greeting(struct probe *probe, const struct imap_reply *reply)
{
	if (reply->word != IMAP_OK && reply->word != IMAP_PREAUTH) {
		probe_failed(probe, STAGE_MATCH, "the greeting is not * OK");
		return;
	}
	probe->step = IMAP_CAPABILITY;
	probe_say(probe, "a1 CAPABILITY\r\n");
}

static void on_tagged(struct probe *probe, const struct imap_reply *reply)
{
	if (reply->word != IMAP_OK) {
		probe_failed(probe, STAGE_MATCH, "%s was refused", steps[probe->step].name);
		return;
	}
	if (probe->step == IMAP_LOGOUT) {
		probe_ok(probe);
		return;
	}
	probe->step = IMAP_LOGOUT;
	probe_say(probe, "a2 LOGOUT\r\n");
}

static void on_reply(struct probe *probe, const struct imap_reply *reply)
{
	if (probe->step == IMAP_LOGOUT && !reply->tagged && reply->word == IMAP_BYE) {
		/* As it should be; hanging up without the tagged line is no worse. */
		probe->may_close = true;
		return;
	}
	if (!reply->tagged && reply->word == IMAP_BYE)
		probe_failed(probe, STAGE_MATCH, "%s was answered with BYE",
		             steps[probe->step].name);
	else if (probe->step == IMAP_GREETING)
		on_greeting(probe, reply);
	else if (reply->tagged)
		on_tagged(probe, reply);
}

static void imap_on_ready(struct probe *probe, uint32_t events _unused_)
{
	while (probe->state == PROBE_TALK) {
		struct imap_reply reply;
		ssize_t n = monitor__imap_reply(probe->in, probe->in_len, steps[probe->step].tag,
		                                &reply);

		if (n == -EAGAIN) {
			if (!probe_more(probe))
				return;
			continue;
		}
		probe_excerpt(probe, probe->in, n > 0 ? (size_t)n : probe->in_len);
		if (n < 0) {
			probe_failed(probe, STAGE_MATCH, "the answer to %s is not IMAP",
			             steps[probe->step].name);
			return;
		}
		on_reply(probe, &reply);
		probe_consume(probe, (size_t)n);
	}
}

static int imap_start(struct probe *probe)
{
	probe->step = IMAP_GREETING;
	return 0;
}

const struct monitor_ops monitor_imap_ops = {
	.start = imap_start,
	.on_ready = imap_on_ready,
	.bye = "a3 LOGOUT\r\n",
};
