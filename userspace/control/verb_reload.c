/* reload: read the configuration again; the agent's coordinator does the work. */
#include <errno.h>
#include <string.h>
#include "control/control.h"

static json_t *counts(unsigned added, unsigned removed, unsigned changed)
{
	return json_pack("{s:i, s:i, s:i}", "added", (int)added, "removed", (int)removed, "changed",
	                 (int)changed);
}

static json_t *changes_json(const struct plan_changes *c)
{
	const struct datapath_changes *k = &c->kernel;

	return json_pack(
		"{s:o, s:o, s:o, s:o, s:{s:i, s:i}, s:{s:i}}", "vips",
		counts(k->vips_added, k->vips_removed, k->vips_changed), "pools",
		counts(k->pools_added, k->pools_removed, k->pools_changed), "members",
		counts(k->members_added, k->members_removed, k->members_changed), "monitors",
		counts(c->monitors_added, c->monitors_removed, c->monitors_changed), "interfaces",
		"added", (int)k->interfaces_attached, "removed", (int)k->interfaces_detached,
		"proxy_vips", "changed", (int)c->proxy_vips_changed);
}

static bool changed(const struct plan_changes *changes)
{
	static const struct plan_changes NONE;

	return memcmp(changes, &NONE, sizeof(NONE)) != 0;
}

static void diag_donep(struct diag *diag)
{
	diag_done(diag);
}

void verb_reload(struct control *control, const json_t *request, struct answer *answer)
{
	static const struct argument ARGUMENTS[] = { { "dry_run", JSON_TRUE, false } };
	_cleanup_(diag_donep) struct diag diag = { 0 };
	_cleanup_(freep) char *said = NULL;
	_cleanup_(freep) char *text = NULL;
	struct plan_changes changes = { 0 };
	uint64_t number;
	bool dry_run;
	int r;

	if (!control_arguments(request, ARGUMENTS, ARRAY_SIZE(ARGUMENTS), answer))
		return;
	dry_run = json_is_true(json_object_get(request, "dry_run"));
	r = control->ops->reload(control->owner, dry_run, &diag, &changes);
	diag_sort(&diag);
	said = diag_text(&diag);
	if (r < 0)
		return control_fail(answer, r == -EINVAL ? CONTROL_BAD_CONFIG : CONTROL_FAILED,
		                    "%s", said != NULL && said[0] != '\0' ? said : strerror(-r));
	number = control->plan->current->number + (dry_run ? 1 : 0);
	text = plan_changes_text(number, &changes);
	answer->result = json_pack("{s:I, s:b, s:b, s:s, s:s, s:o}", "generation",
	                           (json_int_t)number, "dry_run", dry_run, "changed",
	                           changed(&changes), "text", text != NULL ? text : "", "warnings",
	                           said != NULL ? said : "", "changes", changes_json(&changes));
}
