# the power-cut rig: what it is made of, and the long runs

POWERCUT := $(B)/powercut
POWERCUT_PROGRAMS := $(POWERCUT)/logdisk $(POWERCUT)/lua/powercut/replay.so
POWERCUT_HEADERS := spec/powercut/record.h spec/powercut/replay.h
POWERCUT_REPLAY := $(addprefix spec/powercut/,lua_replay.c replay.c replay_sys.c)
FUSE_CFLAGS ?= $(shell pkg-config --cflags fuse3 2>/dev/null)
FUSE_LIBS ?= $(shell pkg-config --libs fuse3 2>/dev/null)

$(POWERCUT)/logdisk: spec/powercut/logdisk.c spec/powercut/record.h
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(COMPILE) $(FUSE_CFLAGS) $(LDFLAGS) -o $@ $< $(FUSE_LIBS)

$(POWERCUT)/lua/powercut/replay.so: $(POWERCUT_REPLAY) $(POWERCUT_HEADERS)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(COMPILE) $(LUA54_CFLAGS) $(SHARED) $(LDFLAGS) -o $@ $(POWERCUT_REPLAY)

powercut-programs: $(POWERCUT_PROGRAMS)

#: make powercut   cut the power 30,000 times (POWERCUT_POINTS), under 40 minutes; needs root
powercut:
	$(Q)tools/setup test
	$(Q)$(MAKE) core powercut-programs
	$(Q)eval "$$(tools/env $(B))" && lua5.4 spec/powercut/main.lua run --points $(or $(POWERCUT_POINTS),30000) \
		--result $(POWERCUT)/result.json

#: make powercut-mutants   make byre wrong in every way the rig knows, and see that it notices
powercut-mutants:
	$(Q)tools/setup test
	$(Q)$(MAKE) core powercut-programs
	$(Q)eval "$$(tools/env $(B))" && lua5.4 spec/powercut/main.lua mutants --any yes --result $(POWERCUT)/mutants.json

.PHONY: powercut powercut-mutants powercut-programs
