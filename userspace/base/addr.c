/* Addresses: parse, print, compare. */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const uint8_t V4_MAPPED[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

bool addr_is_v4(const struct addr *addr)
{
	return memcmp(addr->b, V4_MAPPED, sizeof(V4_MAPPED)) == 0;
}

bool addr_is_zero(const struct addr *addr)
{
	static const uint8_t zero[16];

	if (addr_is_v4(addr))
		return memcmp(addr->b + 12, zero, 4) == 0;
	return memcmp(addr->b, zero, 16) == 0;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

int addr_compare(const struct addr *a, const struct addr *b)
{
	return memcmp(a->b, b->b, sizeof(a->b));
}

int addr_parse(const char *text, struct addr *ret_addr)
{
	struct addr addr;

	if (inet_pton(AF_INET, text, addr.b + 12) == 1)
		memcpy(addr.b, V4_MAPPED, sizeof(V4_MAPPED));
	else if (inet_pton(AF_INET6, text, addr.b) != 1)
		return -EINVAL;
	*ret_addr = addr;
	return 0;
}

static void addr_mask(struct addr *addr, unsigned len)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned keep = len > i * 8 ? len - i * 8 : 0;

		if (keep < 8)
			addr->b[i] &= (uint8_t)(0xff00 >> keep);
	}
}

int prefix_parse(const char *text, struct prefix *ret_prefix)
{
	char copy[PREFIX_TEXT_MAX + 4];
	struct prefix prefix;
	struct addr masked;
	char *slash, *end;
	unsigned long len, max;

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strncpy(copy, text, sizeof(copy));
	slash = strchr(copy, '/');
	if (slash != NULL)
		*slash = '\0';
	if (addr_parse(copy, &prefix.addr) < 0)
		return -EINVAL;
	max = addr_is_v4(&prefix.addr) ? 32 : 128;
	len = max;
	if (slash != NULL) {
		len = strtoul(slash + 1, &end, 10);
		if (slash[1] < '0' || slash[1] > '9' || *end != '\0' || len > max)
			return -EINVAL;
	}
	prefix.len = (unsigned)(len + 128 - max);
	masked = prefix.addr;
	addr_mask(&masked, prefix.len);
	if (!addr_equal(&masked, &prefix.addr))
		return -EDOM;
	*ret_prefix = prefix;
	return 0;
}

bool prefix_contains(const struct prefix *prefix, const struct addr *addr)
{
	struct addr masked = *addr;

	addr_mask(&masked, prefix->len);
	return addr_equal(&masked, &prefix->addr);
}

const char *addr_format(const struct addr *addr, char *buf)
{
	if (addr_is_v4(addr))
		inet_ntop(AF_INET, addr->b + 12, buf, ADDR_TEXT_MAX);
	else
		inet_ntop(AF_INET6, addr->b, buf, ADDR_TEXT_MAX);
	return buf;
}

const char *prefix_format(const struct prefix *prefix, char *buf)
{
	char text[ADDR_TEXT_MAX];
	unsigned len = addr_is_v4(&prefix->addr) ? prefix->len - 96 : prefix->len;

	snprintf(buf, PREFIX_TEXT_MAX, "%s/%u", addr_format(&prefix->addr, text), len);
	return buf;
}

const char *addr_port_format(const struct addr *addr, uint16_t port, char *buf)
{
	char text[ADDR_TEXT_MAX];

	snprintf(buf, ADDR_PORT_MAX, addr_is_v4(addr) ? "%s:%u" : "[%s]:%u",
	         addr_format(addr, text), port);
	return buf;
}

socklen_t addr_to_sockaddr(const struct addr *addr, uint16_t port, struct sockaddr_storage *ret_ss)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ret_ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret_ss;

	memset(ret_ss, 0, sizeof(*ret_ss));
	if (addr_is_v4(addr)) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, addr->b + 12, 4);
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, addr->b, 16);
	return sizeof(*in6);
}

int addr_from_sockaddr(const struct sockaddr_storage *ss, struct addr *ret_addr, uint16_t *ret_port)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)ss;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ss;

	if (ss->ss_family == AF_INET) {
		memcpy(ret_addr->b, V4_MAPPED, sizeof(V4_MAPPED));
		memcpy(ret_addr->b + 12, &in->sin_addr, 4);
		*ret_port = ntohs(in->sin_port);
		return 0;
	}
	if (ss->ss_family != AF_INET6)
		return -EAFNOSUPPORT;
	memcpy(ret_addr->b, &in6->sin6_addr, 16);
	*ret_port = ntohs(in6->sin6_port);
	return 0;
}
