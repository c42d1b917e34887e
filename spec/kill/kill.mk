# what the kill rig needs: the Lua module that watches the system calls of a child

STRIKE := $(B)/kill/strike.so

$(STRIKE): spec/kill/strike.c spec/kill/lua_strike.c spec/kill/strike.h
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(COMPILE) $(LUA54_CFLAGS) $(SHARED) $(LDFLAGS) -o $@ $(filter %.c,$^)

#: make kill       kill and fail every operation at every system call; needs root
kill:
	$(Q)tools/setup test
	$(Q)$(MAKE) core $(STRIKE)
	$(Q)eval "$$(tools/env $(B))" && lua5.4 spec/kill/run.lua $(KILL_FLAGS)

.PHONY: kill
