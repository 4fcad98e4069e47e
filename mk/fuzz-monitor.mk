# Fuzz targets of the monitors' readers: the readers are pure, so each target is one file beside its reader.
FUZZ_MONITOR := smtp_reply imap_reply http_reply
FUZZ_SECONDS ?= 60
FUZZ_MONITOR_CFLAGS := -std=gnu17 -D_GNU_SOURCE -g -O1 -I. -Iuserspace -Wall -Wextra -Werror \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined

$(BUILD)/fuzz/monitor/%: tests/fuzz/fuzz_%.c userspace/monitor/%.c userspace/monitor/%.h
	$(call say,FUZZ,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_MONITOR_CFLAGS) $(filter %.c,$^) -o $@

# What the fuzzer finds on the way goes to build/, the corpus in the tree stays small. FUZZ_SECONDS=0 only replays it.
fuzz-monitor: $(FUZZ_MONITOR:%=$(BUILD)/fuzz/monitor/%) ## fuzz the monitors' readers, FUZZ_SECONDS=60 each
	$(Q)set -e; for t in $(FUZZ_MONITOR); do \
		if [ "$(FUZZ_SECONDS)" -eq 0 ]; then \
			$(BUILD)/fuzz/monitor/$$t -runs=0 tests/fuzz/corpus/$$t; \
		else \
			mkdir -p $(BUILD)/fuzz/corpus/$$t; \
			$(BUILD)/fuzz/monitor/$$t -max_total_time=$(FUZZ_SECONDS) -max_len=65536 \
				-timeout=10 -artifact_prefix=$(BUILD)/fuzz/$$t- \
				$(BUILD)/fuzz/corpus/$$t tests/fuzz/corpus/$$t; \
		fi; \
	done

.PHONY: fuzz-monitor
