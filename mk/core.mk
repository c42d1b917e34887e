# byre.core: one shared object for each Lua, from csrc/*.c without the host

CORE_SOURCES := $(filter-out csrc/host.c csrc/preload.c,$(wildcard csrc/*.c))
CORE_OBJECTS_54 := $(CORE_SOURCES:csrc/%.c=$(B)/obj/5.4/%.o)
CORE_OBJECTS_53 := $(CORE_SOURCES:csrc/%.c=$(B)/obj/5.3/%.o)

HAVE_LUA53 := $(shell echo '$(HASH)include <lauxlib.h>' | \
	$(CC) $(CPPFLAGS) $(LUA53_CFLAGS) -E - >/dev/null 2>&1 && echo yes)
CORES := $(B)/lua/5.4/byre/core.so $(if $(HAVE_LUA53),$(B)/lua/5.3/byre/core.so)

WARNINGS := -Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes \
	-Wmissing-prototypes -Wdeclaration-after-statement
# exceptions: those of a Lua that was compiled as C++ pass through
BYRE_CFLAGS := -std=gnu11 $(WARNINGS) -fPIC -fvisibility=hidden -fexceptions
BYRE_CPPFLAGS := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Icsrc -I$(B)/gen
COMPILE = $(CC) $(BYRE_CPPFLAGS) $(CPPFLAGS) $(BYRE_CFLAGS) $(CFLAGS)
# a Lua module takes Lua from the program that loads it
SHARED = -shared -Wl,-z,relro,-z,now

# write $@ only when it says something else than last time
update = mkdir -p $(@D) && printf '%s\n' $(call quote,$1) | cmp -s - $@ || \
	printf '%s\n' $(call quote,$1) >$@
quote = '$(subst ','\'',$1)'

# other options, or a source that came or went
$(B)/flags: FORCE
	@$(call update,$(COMPILE) $(LDFLAGS))
$(B)/sources: FORCE
	@$(call update,$(CORE_SOURCES))

# said once, before the compiler says it worse
$(B)/ready:
	@mkdir -p $(@D)
	@tools/setup -n build && touch $@

$(B)/obj/5.4/%.o: csrc/%.c $(B)/flags | $(B)/ready
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(COMPILE) $(LUA54_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/obj/5.3/%.o: csrc/%.c $(B)/flags | $(B)/ready
	@mkdir -p $(@D)
	$(call say,CC,'$< (5.3)')
	$(Q)$(COMPILE) $(LUA53_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/lua/5.4/byre/core.so: $(CORE_OBJECTS_54) $(B)/sources
$(B)/lua/5.3/byre/core.so: $(CORE_OBJECTS_53) $(B)/sources
$(B)/lua/%/byre/core.so:
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(SHARED) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^)

-include $(wildcard $(B)/obj/*/*.d)

#: make core       only byre.core (build/lua/5.4, and 5.3 where its headers are)
core: $(CORES)

.PHONY: core
