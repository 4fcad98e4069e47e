/* SMTP as a client that is about to send: a greeting alone says nothing, because Exchange in maintenance still greets and
 * answers EHLO, and refuses only at MAIL FROM with 421. */
#include <errno.h>
#include <string.h>
#include "monitor/probe.h"
#include "monitor/smtp_reply.h"

enum step {
	SMTP_GREETING,
	SMTP_EHLO,
	SMTP_HELO,
	SMTP_MAIL,
	SMTP_RSET,
	SMTP_QUIT,
};

static const char *const asked[] = {
	[SMTP_GREETING] = "the greeting", [SMTP_EHLO] = "EHLO", [SMTP_HELO] = "HELO",
	[SMTP_MAIL] = "MAIL FROM",        [SMTP_RSET] = "RSET", [SMTP_QUIT] = "QUIT",
};

static void ask(struct probe *probe, enum step step)
{
	const struct monitor *monitor = probe->target->monitor;
	const char *helo = monitor->helo != NULL ? monitor->helo : "localhost";
	const char *from = monitor->mail_from != NULL ? monitor->mail_from : "";

	probe->step = step;
	switch (step) {
	case SMTP_EHLO:
		probe_say(probe, "EHLO %s\r\n", helo);
		break;
	case SMTP_HELO:
		probe_say(probe, "HELO %s\r\n", helo);
		break;
	case SMTP_MAIL:
		probe_say(probe, "MAIL FROM:<%s>\r\n", from);
		break;
	case SMTP_RSET:
		probe_say(probe, "RSET\r\n");
		break;
	default:
		/* All is known; a server that hangs up instead of saying 221 is no worse. */
		probe->may_close = true;
		probe_say(probe, "QUIT\r\n");
		break;
	}
}

/* "5.7.57 Client was not authenticated": a connector for people who log in, and it works. */
static bool wants_login(const struct smtp_reply *reply)
{
	static const char enhanced[] = "5.7.57";
	size_t len = sizeof(enhanced) - 1;

	return reply->code == 530 || (reply->code / 100 == 5 && reply->text_len >= len &&
	                              memcmp(reply->text, enhanced, len) == 0 &&
	                              (reply->text_len == len || reply->text[len] == ' '));
}

static void unexpected(struct probe *probe, const struct smtp_reply *reply, const char *expected)
{
	probe_failed(probe, STAGE_MATCH, "%s was answered with %u, expected %s", asked[probe->step],
	             reply->code, expected);
}

static void on_reply(struct probe *probe, const struct smtp_reply *reply)
{
	/* "Service not available": whatever was asked, this server does not want work. */
	if (reply->code == 421) {
		probe_failed(probe, STAGE_MATCH, "%s was answered with 421", asked[probe->step]);
		return;
	}
	switch ((enum step)probe->step) {
	case SMTP_GREETING:
		if (reply->code == 220)
			ask(probe, SMTP_EHLO);
		else
			unexpected(probe, reply, "220");
		break;
	case SMTP_EHLO:
		if (reply->code == 250)
			ask(probe, SMTP_MAIL);
		else if (reply->code / 100 == 5)
			ask(probe, SMTP_HELO);
		else
			unexpected(probe, reply, "250");
		break;
	case SMTP_HELO:
		if (reply->code == 250)
			ask(probe, SMTP_MAIL);
		else
			unexpected(probe, reply, "250");
		break;
	case SMTP_MAIL:
		if (reply->code == 250)
			ask(probe, SMTP_RSET);
		else if (wants_login(reply))
			ask(probe, SMTP_QUIT);
		else
			unexpected(probe, reply, "250 or 530");
		break;
	case SMTP_RSET:
		if (reply->code == 250)
			ask(probe, SMTP_QUIT);
		else
			unexpected(probe, reply, "250");
		break;
	case SMTP_QUIT:
		probe_ok(probe);
		break;
	}
}

static void smtp_on_ready(struct probe *probe, uint32_t events _unused_)
{
	while (probe->state == PROBE_TALK) {
		struct smtp_reply reply;
		ssize_t n = monitor__smtp_reply(probe->in, probe->in_len, &reply);

		if (n == -EAGAIN) {
			if (!probe_more(probe))
				return;
			continue;
		}
		probe_excerpt(probe, probe->in, n > 0 ? (size_t)n : probe->in_len);
		if (n < 0) {
			probe_failed(probe, STAGE_MATCH, "the answer to %s is not SMTP",
			             asked[probe->step]);
			return;
		}
		on_reply(probe, &reply);
		probe_consume(probe, (size_t)n);
	}
}

static int smtp_start(struct probe *probe)
{
	const struct monitor *monitor = probe->target->monitor;

	probe->step = SMTP_GREETING;
	if (monitor->helo != NULL && !probe_word_ok(monitor->helo))
		probe_failed(probe, STAGE_SEND, "helo has characters that cannot be sent");
	else if (monitor->mail_from != NULL && !probe_word_ok(monitor->mail_from))
		probe_failed(probe, STAGE_SEND, "mail_from has characters that cannot be sent");
	return 0;
}

const struct monitor_ops monitor_smtp_ops = {
	.start = smtp_start,
	.on_ready = smtp_on_ready,
	.bye = "QUIT\r\n",
};
