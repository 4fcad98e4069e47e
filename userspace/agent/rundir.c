/* A lock file that holds the pid of its owner; the lock itself ends with the process. */
#include "agent/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static int busy(int fd, const char *path, struct diag *diag)
{
	char pid[16] = "";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	if (n < 0)
		n = 0;
	pid[n] = '\0';
	pid[strspn(pid, "0123456789")] = '\0';
	return diag_error(
		diag, -EBUSY, NULL,
		"shuntd (pid %s) already runs on %s: stop it first, or use another --run-dir",
		pid[0] != '\0' ? pid : "unknown", path);
}

int rundir_lock(const char *path, struct diag *diag, int *ret_fd)
{
	_cleanup_(closep) int dir = -1;
	_cleanup_(closep) int fd = -1;

	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return diag_error(diag, -errno, NULL, "cannot make %s: %s", path, strerror(errno));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return diag_error(diag, -errno, NULL, "cannot open %s: %s", path, strerror(errno));
	fd = openat(dir, "shuntd.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return diag_error(diag, -errno, NULL, "cannot open %s/shuntd.lock: %s", path,
		                  strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return busy(fd, path, diag);
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0)
		return diag_error(diag, -errno, NULL, "cannot write %s/shuntd.lock: %s", path,
		                  strerror(errno));
	*ret_fd = TAKE_FD(fd);
	return 0;
}
