# the command (one file, everything inside) and the library

POSIX := build/deps/luaposix
POSIX_MODULES := errno fcntl grp poll pwd signal stdio stdlib sys.resource sys.socket sys.stat \
	sys.time sys.utsname sys.wait syslog termio time unistd
POSIX_ARCHIVES = $(foreach m,$(subst .,-,$(POSIX_MODULES)),$(POSIX)/lib/liblua5.4-posix-$m.a)

SCRIPTS := $(sort $(shell find lua -name '*.lua'))
LIBRARY_SCRIPTS := $(filter-out lua/byre/main.lua lua/byre/command.lua lua/byre/command/%,$(SCRIPTS))

LIB_OBJECTS_54 := $(CORE_OBJECTS_54) $(B)/obj/5.4/preload.o $(B)/obj/5.4/library_scripts.o
LIB_OBJECTS_53 := $(CORE_OBJECTS_53) $(B)/obj/5.3/preload.o $(B)/obj/5.3/library_scripts.o
HOST_OBJECTS := $(CORE_OBJECTS_54) $(B)/obj/5.4/preload.o $(B)/obj/5.4/host.o \
	$(B)/obj/5.4/host_scripts.o

# the library keeps the text: a program may bring a Lua that reads other bytecode
$(B)/gen/library_scripts.c: tools/embed.lua $(LIBRARY_SCRIPTS) $(B)/gen/scripts
	$(call say,EMBED,$@)
	$(Q)$(LUA) tools/embed.lua -f dkjson lua $(LIBRARY_SCRIPTS) >$@

$(B)/gen/host_scripts.c: tools/embed.lua $(SCRIPTS) $(B)/gen/scripts
	$(call say,EMBED,$@)
	$(Q)$(LUA) tools/embed.lua -c -m dkjson -m argparse lua $(SCRIPTS) >$@

# a script that came or went
$(B)/gen/scripts: FORCE
	@$(call update,$(SCRIPTS))

$(B)/gen/linked_modules.h: mk/host.mk
	@mkdir -p $(@D)
	@printf 'MODULE("posix.%s", luaopen_posix_%s)\n' \
		$(foreach m,$(POSIX_MODULES),$m $(subst .,_,$m)) >$@
	@echo 'MODULE("lxp", luaopen_lxp)' >>$@

$(B)/obj/5.4/host.o: $(B)/gen/linked_modules.h
$(B)/obj/5.4/%_scripts.o: $(B)/gen/%_scripts.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(COMPILE) $(LUA54_CFLAGS) -MMD -MP -c -o $@ $<
$(B)/obj/5.3/library_scripts.o: $(B)/gen/library_scripts.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,'$< (5.3)')
	$(Q)$(COMPILE) $(LUA53_CFLAGS) -MMD -MP -c -o $@ $<

$(POSIX)/complete:
	$(Q)tools/setup luaposix

LUA54_ARCHIVE ?= -l:liblua5.4.a
# posix.unistd has crypt; archives only, so that libc and libm remain
HOST_LIBS = $(POSIX_ARCHIVES) -l:libcrypt.a -l:liblua5.4-expat.a -l:libexpat.a $(LUA54_ARCHIVE) -lm

$(B)/byre: $(HOST_OBJECTS) $(POSIX)/complete
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS) -o $@ \
		$(HOST_OBJECTS) $(HOST_LIBS)

# the library, for each Lua
LIBRARIES := libbyre $(if $(HAVE_LUA53),libbyre-lua5.3)
SOVERSION := 0

$(B)/libbyre.a $(B)/libbyre.so: $(LIB_OBJECTS_54)
$(B)/libbyre-lua5.3.a $(B)/libbyre-lua5.3.so: $(LIB_OBJECTS_53)
$(B)/lib%.a:
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)
$(B)/lib%.so:
	$(call say,LINK,$@)
	$(Q)$(CC) $(SHARED) -Wl,-soname,$(@F).$(SOVERSION) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^)
	$(Q)ln -sf $(@F) $@.$(SOVERSION)
