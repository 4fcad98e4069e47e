/* Who is probed when: one job for every (member, monitor), with its history. */
#include "monitor/monitor.h"

#include <errno.h>
#include <string.h>
#include "base/list.h"
#include "maps/member.h"
#include "monitor/probe.h"

#define NEW_PROBE_MS 10 /* new jobs start this far apart, or closer if they are many */

/* The certificates backends are verified with: one TLS client for all jobs that trust the same. */
struct trust {
	struct list in_set;
	unsigned jobs;
	bool verify;
	uint8_t *ca; /* NULL: the system's */
	size_t ca_len;
	struct tls_client *client; /* NULL: problem says why */
	char *problem;
};

struct job {
	struct monitor_set *set;
	const struct member *member; /* of the generation in use, as all pointers here */
	const struct monitor *monitor;
	uint32_t monitor_index;
	struct probe_target target;
	struct trust *trust;
	struct timer next;
	struct probe *probe;
	uint32_t first_gap_ms; /* shortens the first interval, to spread what began together */
	uint32_t run;
	bool last_ok;
	uint8_t health; /* enum member_health */
	bool kept;      /* while a generation is taken over */
};

struct monitor_set {
	struct loop *loop;
	verdict_fn on_verdict;
	void *owner;
	uint64_t generation;
	struct job **jobs; /* sorted by job_compare() */
	size_t n_jobs;
	struct list trusts;
};

int monitor_set_new(struct loop *loop, verdict_fn on_verdict, void *owner,
                    struct monitor_set **ret_set)
{
	struct monitor_set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return -ENOMEM;
	set->loop = loop;
	set->on_verdict = on_verdict;
	set->owner = owner;
	list_init(&set->trusts);
	*ret_set = set;
	return 0;
}

/* ---- trust ---- */

static bool trust_is(const struct trust *trust, const struct tls_client_conf *conf)
{
	if (trust->verify != conf->verify)
		return false;
	if (!conf->verify)
		return true;
	if (conf->ca == NULL || trust->ca == NULL)
		return conf->ca == NULL && trust->ca == NULL;
	return conf->ca->len == trust->ca_len &&
	       memcmp(conf->ca->bytes, trust->ca, trust->ca_len) == 0;
}

static void trust_drop(struct trust *trust)
{
	if (trust == NULL || --trust->jobs > 0)
		return;
	list_remove(&trust->in_set);
	tls_client_free(trust->client);
	free(trust->problem);
	free(trust->ca);
	free(trust);
}

/* A CA file that cannot be used is told as the outcome of every probe that needs it. */
static int trust_fill(struct trust *trust, const struct tls_client_conf *conf)
{
	struct tls_client_options options = { .verify = conf->verify };
	struct diag diag = { 0 };
	int r;

	if (conf->verify && conf->ca != NULL) {
		trust->ca = malloc(conf->ca->len + 1);
		if (trust->ca == NULL)
			return -ENOMEM;
		memcpy(trust->ca, conf->ca->bytes, conf->ca->len);
		trust->ca_len = conf->ca->len;
		options.ca_pem = trust->ca;
		options.ca_len = trust->ca_len;
	}
	r = tls_client_new(&options, &diag, &trust->client);
	if (r < 0)
		trust->problem = strdup(diag.n > 0 ? diag.entries[0].text : "no TLS client");
	diag_done(&diag);
	return r == -ENOMEM ? r : 0;
}

static int trust_take(struct monitor_set *set, const struct tls_client_conf *conf,
                      struct trust **ret_trust)
{
	struct trust *trust;
	int r;

	list_foreach (it, &set->trusts) {
		trust = container_of(it, struct trust, in_set);
		if (!trust_is(trust, conf))
			continue;
		trust->jobs++;
		*ret_trust = trust;
		return 0;
	}
	trust = calloc(1, sizeof(*trust));
	if (trust == NULL)
		return -ENOMEM;
	trust->jobs = 1;
	trust->verify = conf->verify;
	list_append(&set->trusts, &trust->in_set);
	r = trust_fill(trust, conf);
	if (r < 0) {
		trust_drop(trust);
		return r;
	}
	*ret_trust = trust;
	return 0;
}

/* ---- probing ---- */

static void job_count(struct job *job, bool ok)
{
	if (job->last_ok != ok)
		job->run = 0;
	job->last_ok = ok;
	if (job->run < UINT32_MAX)
		job->run++;
	if (ok && job->run >= job->monitor->rise)
		job->health = MEMBER_UP;
	else if (!ok && job->run >= job->monitor->fall)
		job->health = MEMBER_DOWN;
}

static void on_result(void *owner, const struct probe_result *result)
{
	struct job *job = owner;
	struct ipc_verdict verdict = {
		.generation = job->set->generation,
		.member = job->member->index,
		.monitor = job->monitor_index,
		.ok = result->ok,
		.stage = (uint8_t)result->stage,
		.took_us = result->took_us,
	};

	if (!result->local) {
		job_count(job, result->ok);
		verdict.run = job->run;
	}
	verdict.health = job->health;
	snprintf(verdict.text, sizeof(verdict.text), "%s", result->text);
	snprintf(verdict.excerpt, sizeof(verdict.excerpt), "%s", result->excerpt);
	job->set->on_verdict(job->set->owner, &verdict);
}

static void on_next(struct timer *timer)
{
	struct job *job = container_of(timer, struct job, next);
	uint32_t interval = job->monitor->interval_ms;

	timer_arm(&job->next, job->set->loop,
	          job->first_gap_ms < interval ? interval - job->first_gap_ms : interval);
	job->first_gap_ms = 0;
	/* One at a time: its deadline will end it. A good-bye may be cut short. */
	if (job->probe != NULL && job->probe->state < PROBE_LEAVE)
		return;
	probe_free(job->probe);
	probe_start(job->set->loop, &job->target, on_result, job, &job->probe);
}

static struct job *job_free(struct job *job)
{
	if (job == NULL)
		return NULL;
	timer_stop(&job->next);
	probe_free(job->probe);
	trust_drop(job->trust);
	free(job);
	return NULL;
}

struct monitor_set *monitor_set_free(struct monitor_set *set)
{
	if (set == NULL)
		return NULL;
	for (size_t i = 0; i < set->n_jobs; i++)
		job_free(set->jobs[i]);
	free(set->jobs);
	free(set);
	return NULL;
}

void monitor_set_probe_now(struct monitor_set *set, uint32_t member)
{
	for (size_t i = 0; i < set->n_jobs; i++)
		if (set->jobs[i]->member->index == member)
			timer_arm(&set->jobs[i]->next, set->loop, 0);
}

/* ---- a new generation ---- */

static int text_compare(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "");
}

/* Who is asked what, by names and address: the order of jobs, and how the next generation finds them again. */
static int job_compare(const void *a, const void *b)
{
	const struct job *x = *(struct job *const *)a, *y = *(struct job *const *)b;
	int r = text_compare(x->member->pool->name, y->member->pool->name);

	if (r == 0)
		r = text_compare(x->member->backend->name, y->member->backend->name);
	if (r == 0)
		r = text_compare(x->monitor->name, y->monitor->name);
	if (r == 0)
		r = addr_compare(&x->member->backend->addr, &y->member->backend->addr);
	return r != 0 ? r : (int)x->target.port - (int)y->target.port;
}

static bool text_same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_question(const struct job *a, const struct job *b)
{
	const struct monitor *x = a->monitor, *y = b->monitor;

	return x->type == y->type && x->tls.enabled == y->tls.enabled && a->trust == b->trust &&
	       text_same(x->tls.name, y->tls.name) &&
	       text_same(a->member->backend->server_name, b->member->backend->server_name) &&
	       text_same(x->method, y->method) && text_same(x->path, y->path) &&
	       text_same(x->host, y->host) && x->expect_status == y->expect_status &&
	       text_same(x->expect_body, y->expect_body) && text_same(x->helo, y->helo) &&
	       text_same(x->mail_from, y->mail_from);
}

static int job_new(struct monitor_set *set, const struct generation *generation,
                   const struct member *member, const struct monitor *monitor, struct job **ret_job)
{
	struct job *job = calloc(1, sizeof(*job));
	int r;

	if (job == NULL)
		return -ENOMEM;
	job->set = set;
	job->member = member;
	job->monitor = monitor;
	job->monitor_index = (uint32_t)(monitor - generation->monitors);
	job->next.on_expiry = on_next;
	job->health = MEMBER_UNKNOWN;
	job->target.monitor = monitor;
	job->target.backend = member->backend;
	job->target.port = monitor->port != 0  ? monitor->port
	                   : member->port != 0 ? member->port
	                                       : member->probe_port;
	if (monitor->tls.enabled) {
		r = trust_take(set, &monitor->tls, &job->trust);
		if (r < 0) {
			job_free(job);
			return r;
		}
		job->target.tls = job->trust->client;
		job->target.tls_problem = job->trust->problem;
	}
	*ret_job = job;
	return 0;
}

/* All jobs of a generation, sorted; none runs yet. */
static int jobs_new(struct monitor_set *set, const struct generation *generation,
                    struct job ***ret_jobs, size_t *ret_n)
{
	struct job **jobs;
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < generation->n_members; i++)
		n += generation->members[i].pool->n_monitors;
	jobs = calloc(n + 1, sizeof(struct job *));
	if (jobs == NULL)
		return -ENOMEM;
	n = 0;
	for (size_t i = 0; i < generation->n_members && r == 0; i++) {
		const struct member *member = &generation->members[i];

		for (size_t j = 0; j < member->pool->n_monitors && r == 0; j++) {
			r = job_new(set, generation, member, member->pool->monitors[j], &jobs[n]);
			n += r == 0;
		}
	}
	if (r < 0) {
		while (n > 0)
			job_free(jobs[--n]);
		free(jobs);
		return r;
	}
	qsort(jobs, n, sizeof(struct job *), job_compare);
	*ret_jobs = jobs;
	*ret_n = n;
	return 0;
}

static struct job *job_find(const struct monitor_set *set, struct job *like)
{
	struct job **found = set->n_jobs == 0 ? NULL
	                                      : bsearch(&like, set->jobs, set->n_jobs,
	                                                sizeof(struct job *), job_compare);

	if (found == NULL || (*found)->kept || !same_question(*found, like))
		return NULL;
	return *found;
}

/* The old job lives on with what the new generation says; what asked the same question anew is dropped. */
static void job_adopt(struct job *job, struct job *renewed)
{
	uint32_t interval = renewed->monitor->interval_ms;

	if (job->next.at_ms > loop_now(job->set->loop) + interval)
		timer_arm(&job->next, job->set->loop, interval);
	job->member = renewed->member;
	job->monitor = renewed->monitor;
	job->monitor_index = renewed->monitor_index;
	/* The probe under way looks at the same place. */
	job->target = renewed->target;
	job->kept = true;
	job_free(renewed);
}

static void jobs_start(struct monitor_set *set, size_t n_new)
{
	size_t k = 0;

	for (size_t i = 0; i < set->n_jobs; i++) {
		struct job *job = set->jobs[i];
		uint64_t interval = job->monitor->interval_ms;
		uint64_t delay = k * NEW_PROBE_MS;

		if (job->kept) {
			job->kept = false;
			continue;
		}
		if (delay > interval * k / n_new)
			delay = interval * k / n_new;
		/* Quick at first, because nobody sends traffic to the unknown; even from then on. */
		job->first_gap_ms = (uint32_t)(interval / 2 * k / n_new);
		timer_arm(&job->next, set->loop, delay);
		k++;
	}
}

int monitor_set_generation(struct monitor_set *set, const struct generation *generation)
{
	struct job **jobs;
	size_t n, n_new = 0;
	int r = jobs_new(set, generation, &jobs, &n);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		struct job *old = job_find(set, jobs[i]);

		if (old == NULL) {
			n_new++;
			continue;
		}
		job_adopt(old, jobs[i]);
		jobs[i] = old;
	}
	for (size_t i = 0; i < set->n_jobs; i++)
		if (!set->jobs[i]->kept)
			job_free(set->jobs[i]);
	free(set->jobs);
	set->jobs = jobs;
	set->n_jobs = n;
	set->generation = generation->number;
	jobs_start(set, n_new);
	return 0;
}
