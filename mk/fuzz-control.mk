# Fuzz targets of what control reads: requests of its socket, verdicts of the monitor role.
FUZZ_CONTROL := control verdict
FUZZ_SECONDS ?= 60

$(BUILD)/fuzz/control/%: tests/fuzz/fuzz_%.c $(foreach r,control ipc base loop,$(wildcard userspace/$(r)/*.c))
	$(call say,FUZZ,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -std=gnu17 -D_GNU_SOURCE -DSHUNT_VERSION='"$(VERSION)"' -g -O1 -I. -Iuserspace -Itests -Wall \
		-Wextra -Werror -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
		$(filter %.c,$^) -ljansson -lcmocka -o $@

# What the fuzzer finds on the way goes to build/, the corpus in the tree stays small. FUZZ_SECONDS=0 only replays it.
fuzz-control: $(FUZZ_CONTROL:%=$(BUILD)/fuzz/control/%) ## fuzz what control reads, FUZZ_SECONDS=60 each
	$(Q)set -e; for t in $(FUZZ_CONTROL); do \
		if [ "$(FUZZ_SECONDS)" -eq 0 ]; then \
			$(BUILD)/fuzz/control/$$t -runs=0 tests/fuzz/corpus/$$t; \
		else \
			mkdir -p $(BUILD)/fuzz/corpus/$$t; \
			$(BUILD)/fuzz/control/$$t -max_total_time=$(FUZZ_SECONDS) -max_len=65536 \
				-timeout=10 -artifact_prefix=$(BUILD)/fuzz/$$t- \
				$(BUILD)/fuzz/corpus/$$t tests/fuzz/corpus/$$t; \
		fi; \
	done

.PHONY: fuzz-control
