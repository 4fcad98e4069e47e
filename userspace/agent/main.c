/* shuntd: what was asked on the command line. Control runs in this process; the roles are the same binary again. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "agent/agent.h"
#include "agent/role.h"
#include "agent/rundir.h"
#include "base/log.h"
#include "datapath/datapath.h"
#include "model/model_reference.h"

enum {
	OPT_CHECK = 256,
	OPT_UNLOAD,
	OPT_REFERENCE,
	OPT_PIN_DIR,
	OPT_RUN_DIR,
	OPT_LOG_LEVEL,
	OPT_VERSION,
	OPT_ROLE,
	OPT_WORKERS,
};

static const struct option LONG[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "check", required_argument, NULL, OPT_CHECK },
	{ "unload", no_argument, NULL, OPT_UNLOAD },
	{ "print-reference", required_argument, NULL, OPT_REFERENCE },
	{ "pin-dir", required_argument, NULL, OPT_PIN_DIR },
	{ "run-dir", required_argument, NULL, OPT_RUN_DIR },
	{ "log-level", required_argument, NULL, OPT_LOG_LEVEL },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ "role", required_argument, NULL, OPT_ROLE },
	{ "workers", required_argument, NULL, OPT_WORKERS },
	{ NULL, 0, NULL, 0 },
};

static const char HELP[] =
	"usage: shuntd [options]                run (as root), in the foreground\n"
	"       shuntd --check FILE             is this configuration right?\n"
	"       shuntd --unload                 remove the kernel plane and end its flows\n"
	"       shuntd --print-reference KIND   every key of the configuration: yaml, man or "
	"schema\n"
	"\n"
	"  -c, --config FILE    configuration (" CONTROL_CONFIG ")\n"
	"      --run-dir DIR    control socket and lock (" CONTROL_RUN_DIR ")\n"
	"      --pin-dir DIR    where maps and links are pinned, on a bpffs (" CONTROL_PIN_DIR ")\n"
	"      --log-level L    error, warning, notice, info or debug (info)\n"
	"      --version        print the version\n"
	"  -h, --help           print this\n"
	"\n"
	"SIGHUP reads the configuration again; SIGTERM finishes requests under way and ends. The "
	"kernel plane goes on\n"
	"without shuntd until --unload. Exit status: 0, 1 on failure, 2 when the configuration or "
	"an option is wrong.\n";

enum task {
	TASK_RUN,
	TASK_CHECK,
	TASK_UNLOAD,
	TASK_REFERENCE,
	TASK_ROLE,
	TASK_DONE, /* answered while options were read */
};

struct command {
	enum task task;
	const char *argument; /* file, kind or role */
	struct options options;
	unsigned workers;
};

static int parse_number(const char *text, unsigned least, unsigned most, unsigned *ret_number)
{
	char *end;
	unsigned long number;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || number < least || number > most)
		return -EINVAL;
	*ret_number = (unsigned)number;
	return 0;
}

static int parse_level(const char *text, enum log_level *ret_level)
{
	static const struct {
		const char *word;
		enum log_level level;
	} WORDS[] = {
		{ "error", LOG_LEVEL_ERROR },   { "warning", LOG_LEVEL_WARNING },
		{ "notice", LOG_LEVEL_NOTICE }, { "info", LOG_LEVEL_INFO },
		{ "debug", LOG_LEVEL_DEBUG },
	};
	unsigned number;

	for (size_t i = 0; i < ARRAY_SIZE(WORDS); i++)
		if (strcasecmp(text, WORDS[i].word) == 0) {
			*ret_level = WORDS[i].level;
			return 0;
		}
	if (parse_number(text, LOG_LEVEL_ERROR, LOG_LEVEL_DEBUG, &number) == 0) {
		*ret_level = (enum log_level)number;
		return 0;
	}
	fprintf(stderr, "shuntd: --log-level is error, warning, notice, info or debug, not '%s'\n",
	        text);
	return -EINVAL;
}

static int set_task(struct command *command, enum task task, const char *argument)
{
	if (command->task != TASK_RUN && command->task != TASK_DONE) {
		fprintf(stderr, "shuntd: one of --check, --unload, --print-reference at a time\n");
		return -EINVAL;
	}
	command->task = task;
	command->argument = argument;
	return 0;
}

static int say(struct command *command, const char *text)
{
	fputs(text, stdout);
	command->task = TASK_DONE;
	return 0;
}

static int parse_option(struct command *command, int option)
{
	switch (option) {
	case 'c':
		command->options.config = optarg;
		return 0;
	case OPT_RUN_DIR:
		command->options.run_dir = optarg;
		return 0;
	case OPT_PIN_DIR:
		command->options.pin_dir = optarg;
		return 0;
	case OPT_LOG_LEVEL:
		return parse_level(optarg, &command->options.log_level);
	case OPT_WORKERS:
		return parse_number(optarg, 1, STATS_WORKERS_MAX, &command->workers);
	case OPT_CHECK:
		return set_task(command, TASK_CHECK, optarg);
	case OPT_UNLOAD:
		return set_task(command, TASK_UNLOAD, NULL);
	case OPT_REFERENCE:
		return set_task(command, TASK_REFERENCE, optarg);
	case OPT_ROLE:
		return set_task(command, TASK_ROLE, optarg);
	case OPT_VERSION:
		return say(command, "shuntd " SHUNT_VERSION "\n");
	case 'h':
		return say(command, HELP);
	default:
		return -EINVAL;
	}
}

static int parse(int argc, char **argv, struct command *command)
{
	while (command->task != TASK_DONE) {
		int option = getopt_long(argc, argv, "c:h", LONG, NULL);
		int r = option != -1 ? parse_option(command, option) : 0;

		if (r < 0)
			return r;
		if (option == -1)
			break;
	}
	if (command->task != TASK_DONE && optind < argc) {
		fprintf(stderr, "shuntd: what is '%s'? See shuntd --help\n", argv[optind]);
		return -EINVAL;
	}
	return 0;
}

static int check(const char *file)
{
	struct generation *generation = NULL;
	struct diag diag = { 0 };
	int r = reload_build(file, 1, &diag, &generation);

	if (r < 0 && diag.errors == 0)
		diag_error(&diag, r, NULL, "%s: %s", file, strerror(-r));
	diag_sort(&diag);
	diag_print(&diag, stderr);
	diag_done(&diag);
	if (r < 0)
		return CONTROL_BAD_CONFIG;
	printf("%s: ok (%zu vip%s, %zu pool%s, %zu backend%s, %zu monitor%s)\n", file,
	       generation->n_vips, plural(generation->n_vips), generation->n_pools,
	       plural(generation->n_pools), generation->n_backends, plural(generation->n_backends),
	       generation->n_monitors, plural(generation->n_monitors));
	model_free(generation);
	return CONTROL_OK;
}

static int need_root(void)
{
	if (geteuid() == 0)
		return 0;
	fprintf(stderr,
	        "shuntd: must be started as root: it loads BPF programs and starts each role as a "
	        "user of its own\n");
	return -EPERM;
}

static int unload(const struct options *options)
{
	struct diag diag = { 0 };
	int lock_fd = -1;
	int r;

	if (need_root() < 0)
		return CONTROL_FAILED;
	r = rundir_lock(options->run_dir, &diag, &lock_fd);
	if (r == 0)
		r = datapath_unload(options->pin_dir, &diag);
	diag_print(&diag, stderr);
	if (r < 0 && diag.errors == 0)
		fprintf(stderr, "shuntd: cannot unload %s: %s\n", options->pin_dir, strerror(-r));
	diag_done(&diag);
	closep(&lock_fd);
	if (r < 0)
		return CONTROL_FAILED;
	printf("kernel plane removed from %s\n", options->pin_dir);
	return CONTROL_OK;
}

static int reference(const char *kind)
{
	if (model_print_reference(stdout, kind) == 0 && fflush(stdout) == 0)
		return CONTROL_OK;
	fprintf(stderr, "shuntd: --print-reference is yaml, man or schema, not '%s'\n", kind);
	return CONTROL_BAD_CONFIG;
}

static int start_role(const struct command *command)
{
	const struct role_start start = { .log_level = command->options.log_level,
		                          .workers = command->workers };
	enum role role = role_find(command->argument);

	if (role == ROLES || role == ROLE_control) {
		fprintf(stderr, "shuntd: --role is for shuntd itself\n");
		return CONTROL_BAD_CONFIG;
	}
	return role_run(role, &start);
}

int main(int argc, char **argv)
{
	struct command command = {
		.options = { .config = CONTROL_CONFIG,
		             .run_dir = CONTROL_RUN_DIR,
		             .pin_dir = CONTROL_PIN_DIR,
		             .log_level = LOG_LEVEL_INFO },
		.workers = 1,
	};

	if (parse(argc, argv, &command) < 0)
		return CONTROL_BAD_CONFIG;
	switch (command.task) {
	case TASK_CHECK:
		return check(command.argument);
	case TASK_UNLOAD:
		return unload(&command.options);
	case TASK_REFERENCE:
		return reference(command.argument);
	case TASK_ROLE:
		return start_role(&command);
	case TASK_DONE:
		return CONTROL_OK;
	case TASK_RUN:
		break;
	}
	return need_root() < 0 ? CONTROL_FAILED : control_run(&command.options);
}
