/* An IP address in one shape for both families: 16 bytes, IPv4 as ::ffff:a.b.c.d, network order.
 * The bytes are those of `__be32 addr[4]` in maps/. */
#ifndef SHUNT_BASE_ADDR_H
#define SHUNT_BASE_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include "base/cleanup.h"

struct addr {
	uint8_t b[16];
};

struct prefix {
	struct addr addr; /* host bits are zero */
	unsigned len;     /* 0…128, for IPv4 96 is added */
};

#define ADDR_TEXT_MAX   46 /* with the NUL */
#define PREFIX_TEXT_MAX 50
#define ADDR_PORT_MAX   56

bool addr_is_v4(const struct addr *addr);
bool addr_is_zero(const struct addr *addr); /* 0.0.0.0 or :: */
bool addr_equal(const struct addr *a, const struct addr *b);
int addr_compare(const struct addr *a, const struct addr *b);
/* Parse "192.0.2.1" or "2001:db8::1"; -EINVAL when it is neither. */
int addr_parse(const char *text, struct addr *ret_addr) _must_check_;
/* Parse "10.0.0.0/8", "2001:db8::/32" or a bare address; host bits must be zero, else -EDOM. */
int prefix_parse(const char *text, struct prefix *ret_prefix) _must_check_;
bool prefix_contains(const struct prefix *prefix, const struct addr *addr);
/* Write the usual text (RFC 5952); buf holds ADDR_TEXT_MAX bytes; returns buf. */
const char *addr_format(const struct addr *addr, char *buf);
const char *prefix_format(const struct prefix *prefix, char *buf);
/* "192.0.2.1:25" or "[2001:db8::1]:25"; buf holds ADDR_PORT_MAX bytes; returns buf. */
const char *addr_port_format(const struct addr *addr, uint16_t port, char *buf);
/* To and from the kernel's socket addresses. port is in host order. */
socklen_t addr_to_sockaddr(const struct addr *addr, uint16_t port, struct sockaddr_storage *ret_ss);
int addr_from_sockaddr(const struct sockaddr_storage *ss, struct addr *ret_addr, uint16_t *ret_port);

#endif
