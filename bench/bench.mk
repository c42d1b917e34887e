# byre beside its rivals

BENCH := $(B)/bench
BENCH_PROGRAMS := $(patsubst bench/%.c,$(BENCH)/%,$(wildcard bench/*.c))
BENCH_RESULT := $(BENCH)/result.json

$(BENCH)/%: bench/%.c bench/bench.h $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(COMPILE) -O2 $(LDFLAGS) -o $@ $<

# it measures this one
$(BENCH)/zero: csrc/zero.c

#: make bench      measure byre beside its rivals; needs root.  BENCH_FLAGS="--only PATTERN --pairs N --quick"
bench:
	$(Q)tools/setup test
	$(Q)$(MAKE) all $(BENCH_PROGRAMS)
	$(Q)eval "$$(tools/env $(B))" && lua5.4 bench/run.lua --json $(BENCH_RESULT) $(BENCH_FLAGS)

#: make bench-report  draw what the last `make bench` measured: build/bench/report.html
bench-report: $(BENCH)/report.html

$(BENCH)/report.html: $(BENCH_RESULT) $(wildcard bench/*.lua)
	$(Q)lua5.4 bench/draw.lua $(BENCH_RESULT) >$@
	@echo $@

$(BENCH_RESULT):
	$(Q)$(MAKE) bench

.PHONY: bench bench-report
