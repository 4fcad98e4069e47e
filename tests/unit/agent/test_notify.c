/* What systemd is told, over both kinds of address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "agent/notify.h"

static void tell(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	char text[256] = "";
	size_t len = strlen(name);

	memcpy(address.sun_path, name, len);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&address,
	                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
	                 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	notify("READY=1\nSTATUS=generation %d in use", 7);
	assert_true(recv(fd, text, sizeof(text) - 1, 0) > 0);
	assert_string_equal(text, "READY=1\nSTATUS=generation 7 in use");
	memset(text, 0, sizeof(text));
	notify_reloading();
	assert_true(recv(fd, text, sizeof(text) - 1, 0) > 0);
	assert_int_equal(strncmp(text, "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
	close(fd);
}

static void over_a_path(void **state _unused_)
{
	char name[64];

	snprintf(name, sizeof(name), "/tmp/shunt-notify-%d", (int)getpid());
	tell(name);
	unlink(name);
}

static void over_an_abstract_name(void **state _unused_)
{
	char name[64];

	snprintf(name, sizeof(name), "@shunt-notify-%d", (int)getpid());
	tell(name);
}

static void without_systemd(void **state _unused_)
{
	unsetenv("NOTIFY_SOCKET");
	notify("READY=1");
	setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	notify("READY=1");
	setenv("NOTIFY_SOCKET", "relative", 1);
	notify("READY=1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(over_a_path),
		cmocka_unit_test(over_an_abstract_name),
		cmocka_unit_test(without_systemd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
