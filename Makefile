# shunt: build, test, lint, install. `make help` lists the verbs.
#
# Rooms are found, not listed: every userspace/<room>/*.c goes into build/<flavour>/lib<room>.a, and docs/layers.txt says
# which rooms a room may use. Flavours: plain (default), asan, tsan.

BUILD   ?= build
FLAVOUR ?= plain
V       ?= 0
Q       := $(if $(filter 0,$(V)),@,)
say      = $(if $(filter 0,$(V)),@printf '  %-7s %s\n' $(1) '$(2)',@true)

CC      ?= gcc
CLANG   ?= clang
BPFTOOL ?= $(firstword $(shell command -v bpftool 2>/dev/null) /usr/sbin/bpftool)
prefix  ?= /usr
DESTDIR ?=
VERSION := $(shell cat VERSION)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

ifeq ($(FLAVOUR),plain)
OUT := $(BUILD)
else
OUT := $(BUILD)/$(FLAVOUR)
endif
GEN := $(BUILD)/gen

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wundef
FLAVOUR_FLAGS_plain := -O2 -D_FORTIFY_SOURCE=2
FLAVOUR_FLAGS_asan  := -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
FLAVOUR_FLAGS_tsan  := -O1 -fsanitize=thread -fno-omit-frame-pointer
PKGS := libbpf openssl libnl-3.0 libnl-route-3.0 yaml-0.1 jansson libcap-ng libseccomp smartcols
CFLAGS ?= -g
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE -DSHUNT_VERSION='"$(VERSION)"' -I. -Iuserspace -I$(GEN) $(WARN) -fPIE \
	-fstack-protector-strong -fcf-protection $(FLAVOUR_FLAGS_$(FLAVOUR)) $(PKG_CFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now,--as-needed $(filter -fsanitize=%,$(FLAVOUR_FLAGS_$(FLAVOUR))) $(LDFLAGS)
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lpthread

ROOMS := $(patsubst userspace/%/,%,$(wildcard userspace/*/))
# The rooms below $(1), itself first, from docs/layers.txt ("maps" is headers only), high to low so that one link pass is enough.
below = $(1) $(filter-out maps,$(shell awk -F: '$$1 == "$(1)" { n = split($$2, r, " "); for (i = n; i > 0; i--) print r[i] }' docs/layers.txt))
lib   = $(OUT)/lib$(1).a
objs  = $(patsubst userspace/%.c,$(OUT)/obj/%.o,$(wildcard userspace/$(1)/*.c))

# ---- kernel side -------------------------------------------------------------------------------------------------
BPF_SRCS := $(wildcard bpf/*.bpf.c)
BPF_OBJS := $(BPF_SRCS:%.bpf.c=$(BUILD)/%.bpf.o)
SKELS    := $(patsubst bpf/%.bpf.c,$(GEN)/%.skel.h,$(BPF_SRCS))
BPF_CFLAGS := -g -O2 -target bpf -mcpu=v3 -I. -I/usr/include/$(shell $(CC) -dumpmachine 2>/dev/null) -Wall -Wextra -Werror

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@
	$(Q)llvm-strip -g $@

$(GEN)/%.skel.h: $(BUILD)/bpf/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(BPFTOOL) gen skeleton $< name $(subst .,_,$*)_bpf > $@

# ---- userspace ---------------------------------------------------------------------------------------------------
$(OUT)/obj/%.o: userspace/%.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

define room_rule
$(call lib,$(1)): $(call objs,$(1))
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@ && ar rcs $$@ $$^
room-$(1): $(call lib,$(1))
endef
$(foreach r,$(ROOMS),$(eval $(call room_rule,$(r))))
# The datapath embeds the programs.
$(call objs,datapath): | $(SKELS)

$(OUT)/shuntd: $(foreach r,$(call below,agent),$(call lib,$(r)))
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -Wl,--start-group $^ -Wl,--end-group $(LIBS) -o $@
$(OUT)/shunt: $(foreach r,ctl control base,$(call lib,$(r)))
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -Wl,--start-group $(call lib,ctl) $(call lib,base) -Wl,--end-group $(LIBS) -o $@

all: bpf agent ctl           ## build everything (default)
bpf: $(BPF_OBJS)             ## build the BPF programs
agent: $(OUT)/shuntd         ## build shuntd
ctl: $(OUT)/shunt            ## build the shunt command

# ---- tests -------------------------------------------------------------------------------------------------------
# tests/unit/<room>/test_*.c is one cmocka program each, linked with its room and the rooms below it.
UNIT_SRCS := $(wildcard tests/unit/*/test_*.c)
UNIT_BINS := $(patsubst tests/unit/%.c,$(OUT)/unit/%,$(UNIT_SRCS))
define unit_rule
$(OUT)/unit/$(1)/%: tests/unit/$(1)/%.c $(foreach r,$(call below,$(1)),$(call lib,$(r)))
	$$(call say,TEST,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $$(ALL_CFLAGS) -Itests -MMD -MP -MF $$@.d $$< $$(ALL_LDFLAGS) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group -lcmocka $$(LIBS) -o $$@
endef
$(foreach r,$(sort $(patsubst tests/unit/%/,%,$(dir $(UNIT_SRCS)))),$(eval $(call unit_rule,$(r))))

unit-bins: $(UNIT_BINS)
unit-%:
	$(Q)$(MAKE) --no-print-directory $(filter $(OUT)/unit/$*/%,$(UNIT_BINS))
	$(Q)set -e; for t in $(filter $(OUT)/unit/$*/%,$(UNIT_BINS)); do $$t; done

include $(wildcard mk/*.mk)
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

clean:                       ## remove build/
	rm -rf $(BUILD)
help:                        ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile $(wildcard mk/*.mk)

.PHONY: all bpf agent ctl clean help unit-bins $(addprefix room-,$(ROOMS))
