/* Messages between roles: what is sent arrives with its descriptors; what is malformed is refused and leaks nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "ipc/ipc.h"

static struct ipc_message message;

static int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static void pair_is_private(void **state _unused_)
{
	int fds[2];

	assert_int_equal(ipc_pair(fds), 0);
	for (int i = 0; i < 2; i++) {
		assert_true((fcntl(fds[i], F_GETFD) & FD_CLOEXEC) != 0);
		assert_true((fcntl(fds[i], F_GETFL) & O_NONBLOCK) != 0);
	}
	assert_int_equal(ipc_receive(fds[0], &message), -EAGAIN);
	close(fds[0]);
	close(fds[1]);
}

static void message_arrives(void **state _unused_)
{
	struct ipc_generation generation = { .number = 0x0102030405060708u };
	int fds[2], pipe_fds[2];
	char c = 0;

	assert_int_equal(ipc_pair(fds), 0);
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(
		ipc_send(fds[0], IPC_GENERATION, &generation, sizeof(generation), &pipe_fds[1], 1),
		0);
	assert_int_equal(ipc_receive(fds[1], &message), 0);
	assert_int_equal(message.type, IPC_GENERATION);
	assert_int_equal(message.len, sizeof(generation));
	assert_memory_equal(message.bytes, &generation, sizeof(generation));
	assert_int_equal(message.n_fds, 1);
	assert_true((fcntl(message.fds[0], F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(write(message.fds[0], "x", 1), 1);
	assert_int_equal(read(pipe_fds[0], &c, 1), 1);
	assert_int_equal(c, 'x');
	ipc_message_done(&message);
	assert_int_equal(message.n_fds, 0);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	close(fds[0]);
	close(fds[1]);
}

static void limits_hold(void **state _unused_)
{
	static char bytes[IPC_BYTES_MAX + 1];
	int before = open_fds();
	int fds[2], many[IPC_FDS_MAX + 1];

	assert_int_equal(ipc_pair(fds), 0);
	for (int i = 0; i <= IPC_FDS_MAX; i++)
		many[i] = fds[0];
	assert_int_equal(ipc_send(fds[0], IPC_MEMBER, bytes, sizeof(bytes), NULL, 0), -EMSGSIZE);
	assert_int_equal(ipc_send(fds[0], IPC_LISTENERS, NULL, 0, many, IPC_FDS_MAX + 1),
	                 -EMSGSIZE);
	assert_int_equal(ipc_send(fds[0], IPC_MEMBER, bytes, IPC_BYTES_MAX, many, IPC_FDS_MAX), 0);
	assert_int_equal(ipc_receive(fds[1], &message), 0);
	assert_int_equal(message.len, IPC_BYTES_MAX);
	assert_int_equal(message.n_fds, IPC_FDS_MAX);
	/* One is taken, the others are closed. */
	close(message.fds[3]);
	message.fds[3] = -1;
	ipc_message_done(&message);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(open_fds(), before);
}

static void empty_message_has_a_type(void **state _unused_)
{
	int fds[2];

	assert_int_equal(ipc_pair(fds), 0);
	assert_int_equal(ipc_send(fds[0], IPC_STOP, NULL, 0, NULL, 0), 0);
	assert_int_equal(ipc_receive(fds[1], &message), 0);
	assert_int_equal(message.type, IPC_STOP);
	assert_int_equal(message.len, 0);
	close(fds[0]);
	close(fds[1]);
}

static void peer_gone_is_told(void **state _unused_)
{
	int fds[2];

	assert_int_equal(ipc_pair(fds), 0);
	assert_int_equal(ipc_send(fds[0], IPC_STOP, NULL, 0, NULL, 0), 0);
	close(fds[0]);
	/* What was sent before the end is still delivered. */
	assert_int_equal(ipc_receive(fds[1], &message), 0);
	assert_int_equal(ipc_receive(fds[1], &message), -ECONNRESET);
	assert_int_equal(ipc_send(fds[1], IPC_STOP, NULL, 0, NULL, 0), -ECONNRESET);
	close(fds[1]);
}

static void full_buffer_is_told(void **state _unused_)
{
	static char bytes[IPC_BYTES_MAX];
	int fds[2], sent = 0, r;

	assert_int_equal(ipc_pair(fds), 0);
	for (;;) {
		r = ipc_send(fds[0], IPC_MEMBER, bytes, sizeof(bytes), NULL, 0);
		if (r < 0)
			break;
		sent++;
	}
	assert_int_equal(r, -EAGAIN);
	assert_true(sent > 1);
	assert_int_equal(ipc_receive(fds[1], &message), 0);
	close(fds[0]);
	close(fds[1]);
}

/* Raw bytes as a role that was taken over might send them. */
static void send_raw(int fd, const void *bytes, size_t len, int n_fds)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(100 * sizeof(int))];
	} control = { 0 };
	char copy[32768] = { 0 };
	struct iovec iov = { copy, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	assert_true(len <= sizeof(copy));
	memcpy(copy, bytes, len);
	if (n_fds > 0) {
		struct cmsghdr *cmsg;

		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE((size_t)n_fds * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN((size_t)n_fds * sizeof(int));
		for (int i = 0; i < n_fds; i++)
			memcpy(CMSG_DATA(cmsg) + (size_t)i * sizeof(int), &fd, sizeof(fd));
	}
	assert_int_equal(sendmsg(fd, &msg, 0), (ssize_t)len);
}

static void malformed_is_refused(void **state _unused_)
{
	static const struct {
		uint32_t type, len;
		size_t sent; /* bytes after the head */
		int n_fds;
	} CASES[] = {
		{ IPC_READY, 8, 7, 1 }, /* shorter than it says */
		{ IPC_READY, 8, 9, 1 }, /* longer than it says */
		{ IPC_READY, UINT32_MAX, 8, 0 },
		{ 0, 0, 0, 1 }, /* no such type */
		{ 99, 0, 0, 2 },
		{ IPC_VERDICT + 1, 0, 0, 0 },
		{ UINT32_MAX, 0, 0, 0 },
		{ IPC_VERDICT, IPC_BYTES_MAX + 8, IPC_BYTES_MAX + 8, 3 }, /* truncated by us */
		{ IPC_VERDICT, 0, 0, 90 }, /* more descriptors than we take */
	};
	int fds[2], before;

	assert_int_equal(ipc_pair(fds), 0);
	before = open_fds();
	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		static char bytes[IPC_BYTES_MAX + 64];

		memcpy(bytes, &CASES[i].type, 4);
		memcpy(bytes + 4, &CASES[i].len, 4);
		send_raw(fds[0], bytes, 8 + CASES[i].sent, CASES[i].n_fds);
		assert_int_equal(ipc_receive(fds[1], &message), -EPROTO);
		assert_int_equal(open_fds(), before);
	}
	send_raw(fds[0], "abc", 3, 0);
	assert_int_equal(ipc_receive(fds[1], &message), -EPROTO);
	/* The socket is still in step afterwards. */
	assert_int_equal(ipc_send(fds[0], IPC_READY, "12345678", 8, NULL, 0), 0);
	assert_int_equal(ipc_receive(fds[1], &message), 0);
	close(fds[0]);
	close(fds[1]);
}

static uint32_t noise(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static void noise_never_harms(void **state _unused_)
{
	uint32_t seed = 20261124;
	int fds[2], before, taken = 0;

	assert_int_equal(ipc_pair(fds), 0);
	before = open_fds();
	for (int round = 0; round < 20000; round++) {
		uint32_t words[64];
		size_t len = 1 + noise(&seed) % sizeof(words);
		int r;

		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			words[i] = noise(&seed);
		if (round % 2 == 0)
			words[0] = noise(&seed) % 110;
		if (round % 4 == 0 && len >= 8)
			words[1] = (uint32_t)len - 8;
		send_raw(fds[0], words, len, (int)(noise(&seed) % 8));
		r = ipc_receive(fds[1], &message);
		assert_true(r == 0 || r == -EPROTO);
		if (r == 0) {
			assert_true(message.len <= IPC_BYTES_MAX);
			taken++;
			ipc_message_done(&message);
		}
	}
	assert_true(taken > 0);
	assert_int_equal(open_fds(), before);
	close(fds[0]);
	close(fds[1]);
}

static void stages_have_words(void **state _unused_)
{
	assert_string_equal(probe_stage_word(STAGE_CONNECT), "connect");
	assert_string_equal(probe_stage_word(STAGE_MATCH), "match");
	assert_string_equal(probe_stage_word(STAGE_DONE), "done");
	assert_string_equal(probe_stage_word((enum probe_stage)200), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pair_is_private),      cmocka_unit_test(message_arrives),
		cmocka_unit_test(limits_hold),          cmocka_unit_test(empty_message_has_a_type),
		cmocka_unit_test(peer_gone_is_told),    cmocka_unit_test(full_buffer_is_told),
		cmocka_unit_test(malformed_is_refused), cmocka_unit_test(noise_never_harms),
		cmocka_unit_test(stages_have_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
