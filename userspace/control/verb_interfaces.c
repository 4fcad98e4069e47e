/* interfaces: where the kernel plane is attached, how, and why so. */
#include "control/control.h"

static const char *attach_word(enum attach_mode attach)
{
	static const char *const WORDS[] = {
		[ATTACH_AUTO] = "auto",
		[ATTACH_XDP] = "xdp",
		[ATTACH_GENERIC] = "generic",
		[ATTACH_TC] = "tc",
	};

	return WORDS[attach];
}

static const char *mode_word(enum iface_mode mode)
{
	static const char *const WORDS[] = {
		[IFACE_NONE] = "none",
		[IFACE_XDP_NATIVE] = "native",
		[IFACE_TC] = "tc",
		[IFACE_XDP_GENERIC] = "generic",
	};

	return WORDS[mode];
}

void verb_interfaces(struct control *control, const json_t *request, struct answer *answer)
{
	const struct generation *generation = control->plan->current;
	json_t *interfaces;

	if (!control_arguments(request, NULL, 0, answer))
		return;
	interfaces = json_array();
	for (size_t i = 0; i < generation->n_interfaces; i++) {
		const struct interface *interface = &generation->interfaces[i];
		enum iface_mode mode = IFACE_NONE;
		const char *why = "not attached";

		if (datapath_attachment(control->plan->dp, interface->name, &mode, &why) < 0)
			mode = IFACE_NONE;
		json_array_append_new(interfaces,
		                      json_pack("{s:s, s:s, s:s, s:s}", "name", interface->name,
		                                "attach", attach_word(interface->attach), "mode",
		                                mode_word(mode), "why", why != NULL ? why : ""));
	}
	answer->result = json_pack("{s:I, s:o}", "generation", (json_int_t)generation->number,
	                           "interfaces", interfaces);
}
