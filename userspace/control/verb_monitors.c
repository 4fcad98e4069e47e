/* monitors: what each member was asked last, what it said, and when that changed. */
#include "control/control.h"

static json_t *last_json(const struct health_cell *cell)
{
	if (cell->last_at == 0)
		return json_null();
	return json_pack("{s:I, s:b, s:s, s:s, s:s, s:I, s:I}", "at", (json_int_t)cell->last_at,
	                 "ok", cell->last.ok, "stage", probe_stage_word(cell->last.stage), "text",
	                 cell->last.text, "excerpt", cell->last.excerpt, "took_us",
	                 (json_int_t)cell->last.took_us, "run", (json_int_t)cell->last.run);
}

static json_t *failed_json(const struct health_failure *failed)
{
	if (failed->at == 0)
		return json_null();
	return json_pack("{s:I, s:s, s:s, s:s}", "at", (json_int_t)failed->at, "stage",
	                 probe_stage_word(failed->stage), "text", failed->text, "excerpt",
	                 failed->excerpt);
}

static json_t *history_json(const struct health_cell *cell)
{
	json_t *history = json_array();

	for (unsigned i = 0; i < cell->n_history; i++) {
		const struct health_event *event = &cell->history[i];

		json_array_append_new(
			history, json_pack("{s:I, s:s, s:s, s:s}", "at", (json_int_t)event->at,
		                           "health", member_health_word(event->health), "stage",
		                           probe_stage_word(event->stage), "text", event->text));
	}
	return history;
}

static uint16_t probed_port(const struct member *member, const struct monitor *monitor)
{
	if (monitor->port != 0)
		return monitor->port;
	return member->port != 0 ? member->port : member->probe_port;
}

static json_t *cell_json(const struct control *control, const struct member *member, size_t i)
{
	const struct health_cell *cell = health_cell(control->health, member->index, i);
	const struct monitor *monitor = member->pool->monitors[i];
	uint8_t member_health = control->plan->states[member->index].health;
	char address[ADDR_TEXT_MAX];

	return json_pack(
		"{s:s, s:s, s:s, s:i, s:s, s:s, s:I, s:I, s:I, s:I, s:s, s:s, s:o, s:I, s:I, "
		"s:o, s:o, s:o}",
		"pool", member->pool->name, "backend", member->backend->name, "address",
		addr_format(&member->backend->addr, address), "port",
		(int)probed_port(member, monitor), "monitor", monitor->name, "type",
		monitor_type_word(monitor->type), "interval_ms", (json_int_t)monitor->interval_ms,
		"timeout_ms", (json_int_t)monitor->timeout_ms, "fall", (json_int_t)monitor->fall,
		"rise", (json_int_t)monitor->rise, "health", member_health_word(cell->health),
		"member_health", member_health_word(member_health), "since",
		control_time(cell->since), "probes", (json_int_t)cell->probes, "failures",
		(json_int_t)cell->failures, "last", last_json(cell), "failed",
		failed_json(&cell->failed), "history", history_json(cell));
}

void verb_monitors(struct control *control, const json_t *request, struct answer *answer)
{
	const struct generation *generation = control->plan->current;
	json_t *monitors;

	if (!control_arguments(request, NULL, 0, answer))
		return;
	monitors = json_array();
	for (size_t i = 0; i < generation->n_members; i++)
		for (size_t j = 0; j < generation->members[i].pool->n_monitors; j++)
			json_array_append_new(monitors,
			                      cell_json(control, &generation->members[i], j));
	answer->result = json_pack("{s:I, s:o}", "generation", (json_int_t)generation->number,
	                           "monitors", monitors);
}
