# fuzzers of the parsers: libFuzzer where clang has it

FUZZ_TARGETS := vid size time revision volume pool
FUZZ_SECONDS ?= 600
FUZZ_FLAGS = -fsanitize=fuzzer,address -O1 -g
FUZZ := $(B)/fuzz

$(FUZZ)/fuzz: spec/fuzz/fuzz.c $(B)/libbyre.a
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)clang $(BYRE_CPPFLAGS) $(BYRE_CFLAGS) $(FUZZ_FLAGS) $(LUA54_CFLAGS) -o $@ $< $(B)/libbyre.a \
		$(LUA54_ARCHIVE) -ldl -lm

fuzz-program: $(FUZZ)/fuzz

#: make fuzz       fuzz every parser for FUZZ_SECONDS (600) each; what is found is in build/fuzz
fuzz: $(FUZZ_TARGETS:%=fuzz-%)

#: make fuzz-short the same for a minute in all
fuzz-short:
	$(Q)$(MAKE) FUZZ_SECONDS=10 fuzz

$(FUZZ_TARGETS:%=fuzz-%): fuzz-%: $(FUZZ)/fuzz
	@mkdir -p $(FUZZ)/$*
	$(call say,FUZZ,'$* ($(FUZZ_SECONDS) s)')
	$(Q)BYRE_FUZZ_TARGET=$* $< -max_total_time=$(FUZZ_SECONDS) -max_len=1024 -timeout=10 -rss_limit_mb=1024 \
		-dict=spec/fuzz/dictionary -verbosity=0 -detect_leaks=0 -print_final_stats=1 -artifact_prefix=$(FUZZ)/$*- \
		$(FUZZ)/$* spec/fuzz/corpus/$* 2>$(FUZZ)/$*.log || { tail -n 40 $(FUZZ)/$*.log; exit 1; }
	@sed -n 's/^stat::number_of_executed_units: */          inputs: /p' $(FUZZ)/$*.log

.PHONY: fuzz fuzz-short fuzz-program $(FUZZ_TARGETS:%=fuzz-%)
