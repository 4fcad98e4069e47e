/* The health table: one cell for each (member, monitor), in one array. */
#include "control/control_health.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct health {
	const struct generation *generation;
	size_t *first;  /* by member: its first cell */
	int64_t *since; /* by member */
	struct health_cell *cells;
};

static size_t count_cells(const struct generation *generation)
{
	size_t n = 0;

	for (size_t i = 0; i < generation->n_members; i++)
		n += generation->members[i].pool->n_monitors;
	return n;
}

static const struct member *same_member(const struct health *old, const struct member *member)
{
	const struct pool *pool = model_pool(old->generation, member->pool->name);

	for (size_t i = 0; pool != NULL && i < pool->n_members; i++)
		if (strcmp(pool->members[i].backend->name, member->backend->name) == 0)
			return &pool->members[i];
	return NULL;
}

static void inherit(struct health *health, const struct health *old, const struct member *member)
{
	const struct member *was = same_member(old, member);

	if (was == NULL)
		return;
	health->since[member->index] = old->since[was->index];
	for (size_t i = 0; i < member->pool->n_monitors; i++)
		for (size_t j = 0; j < was->pool->n_monitors; j++)
			if (strcmp(member->pool->monitors[i]->name, was->pool->monitors[j]->name) ==
			    0)
				health->cells[health->first[member->index] + i] =
					old->cells[old->first[was->index] + j];
}

int health_new(const struct generation *generation, const struct health *old,
               struct health **ret_health)
{
	struct health *health = calloc(1, sizeof(*health));
	size_t n = 0;

	if (health == NULL)
		return -ENOMEM;
	health->generation = generation;
	/* One more than needed: an allocation of nothing may be NULL. */
	health->first = calloc(generation->n_members + 1, sizeof(*health->first));
	health->since = calloc(generation->n_members + 1, sizeof(*health->since));
	health->cells = calloc(count_cells(generation) + 1, sizeof(*health->cells));
	if (health->first == NULL || health->since == NULL || health->cells == NULL) {
		health_free(health);
		return -ENOMEM;
	}
	for (size_t i = 0; i < generation->n_members; i++) {
		health->first[i] = n;
		n += generation->members[i].pool->n_monitors;
		if (old != NULL)
			inherit(health, old, &generation->members[i]);
	}
	*ret_health = health;
	return 0;
}

struct health *health_free(struct health *health)
{
	if (health == NULL)
		return NULL;
	free(health->first);
	free(health->since);
	free(health->cells);
	free(health);
	return NULL;
}

static bool terminated(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

/* The cell that a verdict speaks of, NULL when the monitor does not belong to the member. */
static struct health_cell *cell_of(struct health *health, const struct ipc_verdict *verdict)
{
	const struct generation *generation = health->generation;
	const struct pool *pool;

	if (verdict->member >= generation->n_members || verdict->monitor >= generation->n_monitors)
		return NULL;
	pool = generation->members[verdict->member].pool;
	for (size_t i = 0; i < pool->n_monitors; i++)
		if (pool->monitors[i] == &generation->monitors[verdict->monitor])
			return &health->cells[health->first[verdict->member] + i];
	return NULL;
}

static bool well_formed(const struct ipc_verdict *verdict)
{
	return verdict->ok <= 1 && verdict->health <= MEMBER_DOWN && verdict->stage <= STAGE_DONE &&
	       (verdict->ok == 1) == (verdict->stage == STAGE_DONE) &&
	       terminated(verdict->text, sizeof(verdict->text)) &&
	       terminated(verdict->excerpt, sizeof(verdict->excerpt));
}

/* What a backend answered ends in logs and JSON: plain ASCII only. */
static void make_plain(char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

static void remember(struct health_cell *cell, const struct ipc_verdict *verdict, int64_t now)
{
	struct health_event *event;

	if (cell->n_history == HEALTH_HISTORY) {
		memmove(&cell->history[0], &cell->history[1],
		        (HEALTH_HISTORY - 1) * sizeof(cell->history[0]));
		cell->n_history--;
	}
	event = &cell->history[cell->n_history++];
	event->at = now;
	event->health = verdict->health;
	event->stage = verdict->stage;
	memcpy(event->text, verdict->text, sizeof(event->text));
}

int health_verdict(struct health *health, const struct ipc_verdict *verdict, int64_t now)
{
	struct health_cell *cell;

	if (!well_formed(verdict))
		return -EPROTO;
	if (verdict->generation != health->generation->number)
		return -ESTALE;
	cell = cell_of(health, verdict);
	if (cell == NULL)
		return -EPROTO;

	cell->last = *verdict;
	make_plain(cell->last.text);
	make_plain(cell->last.excerpt);
	cell->last_at = now;
	cell->probes++;
	if (!verdict->ok) {
		cell->failures++;
		cell->failed.at = now;
		cell->failed.stage = verdict->stage;
		memcpy(cell->failed.text, cell->last.text, sizeof(cell->failed.text));
		memcpy(cell->failed.excerpt, cell->last.excerpt, sizeof(cell->failed.excerpt));
	}
	/* A monitor that was just started knows nothing yet: the last state holds. */
	if (verdict->health == MEMBER_UNKNOWN || verdict->health == cell->health)
		return 0;
	cell->health = verdict->health;
	cell->since = now;
	remember(cell, &cell->last, now);
	return 1;
}

enum member_health health_of(const struct health *health, uint32_t member, enum member_health held)
{
	size_t n = health->generation->members[member].pool->n_monitors;
	size_t up = 0;

	for (size_t i = 0; i < n; i++) {
		uint8_t one = health->cells[health->first[member] + i].health;

		if (one == MEMBER_DOWN)
			return MEMBER_DOWN;
		if (one == MEMBER_UP)
			up++;
	}
	return up == n ? MEMBER_UP : held;
}

const struct health_cell *health_cell(const struct health *health, uint32_t member, size_t monitor)
{
	return &health->cells[health->first[member] + monitor];
}

void health_touch(struct health *health, uint32_t member, int64_t now)
{
	health->since[member] = now;
}

int64_t health_since(const struct health *health, uint32_t member)
{
	return health->since[member];
}

const char *member_health_word(uint8_t health)
{
	static const char *const WORDS[] = {
		[MEMBER_UNKNOWN] = "unknown",
		[MEMBER_UP] = "up",
		[MEMBER_DOWN] = "down",
	};

	return health < ARRAY_SIZE(WORDS) ? WORDS[health] : "unknown";
}

const char *member_admin_word(uint8_t admin)
{
	static const char *const WORDS[] = {
		[MEMBER_ENABLED] = "enabled",
		[MEMBER_DRAIN] = "drain",
		[MEMBER_DISABLED] = "disabled",
	};

	return admin < ARRAY_SIZE(WORDS) ? WORDS[admin] : "unknown";
}
