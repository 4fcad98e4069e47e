#!/bin/sh
# Make the users that shuntd's roles run as, and the group whose members may use the shunt command. Safe to run again.
# --remove takes them away. Packages use packaging/shunt.sysusers instead.
set -eu

users="shunt-monitor shunt-proxy shunt-auth"
group=shunt

if [ "$(id -u)" -ne 0 ]; then
	echo "create-users.sh: must run as root" >&2
	exit 1
fi

if [ "${1:-}" = --remove ]; then
	for user in $users; do
		if getent passwd "$user" >/dev/null; then
			userdel "$user"
			echo "removed user $user"
		fi
	done
	if getent group "$group" >/dev/null; then
		groupdel "$group"
		echo "removed group $group"
	fi
	exit 0
fi

if [ $# -gt 0 ]; then
	echo "usage: create-users.sh [--remove]" >&2
	exit 2
fi

if ! getent group "$group" >/dev/null; then
	groupadd --system "$group"
	echo "made group $group: its members may use the shunt command"
fi
for user in $users; do
	if ! getent passwd "$user" >/dev/null; then
		useradd --system --user-group --no-create-home --home-dir /nonexistent \
			--shell /usr/sbin/nologin --comment "shunt role ${user#shunt-}" "$user"
		echo "made user $user"
	fi
done
