# what shows that no failure of an allocation, no thread and no collection of garbage does harm

MEMORY := $(B)/memory
MEMORY_VERSIONS := 5.4 $(if $(HAVE_LUA53),5.3)

# DIRECTORY FLAGS CFLAGS_OF_LUA: a libbyre.a for any Lua, with a sanitizer
memory_library = $(MAKE) B=$1 CC=gcc CFLAGS='-O1 -g -fno-omit-frame-pointer $2' LUA54_CFLAGS='$3' $1/libbyre.a

$(MEMORY)/address-5.4/libbyre.a: FORCE
	$(Q)$(call memory_library,$(@D),$(ADDRESS),$(LUA54_CFLAGS))
$(MEMORY)/address-5.3/libbyre.a: FORCE
	$(Q)$(call memory_library,$(@D),$(ADDRESS),$(LUA53_CFLAGS))
$(MEMORY)/thread-5.4/libbyre.a: FORCE
	$(Q)$(call memory_library,$(@D),$(THREAD),$(LUA54_CFLAGS))

ADDRESS = -fsanitize=address,undefined -fno-sanitize-recover=undefined
THREAD = -fsanitize=thread

memory_program = gcc $(BYRE_CPPFLAGS) $(BYRE_CFLAGS) -O1 -g -fno-omit-frame-pointer

# realloc and posix_memalign are what csrc calls itself
$(MEMORY)/allocations-%: spec/memory/allocations.c $(MEMORY)/address-%/libbyre.a
	$(call say,CC,$@)
	$(Q)$(memory_program) $(ADDRESS) $(if $(filter 5.3,$*),$(LUA53_CFLAGS),$(LUA54_CFLAGS)) \
		-Wl,--wrap=realloc,--wrap=posix_memalign -o $@ $^ -l:liblua$*.a -lm -ldl

$(MEMORY)/threads: spec/memory/threads.c $(MEMORY)/thread-5.4/libbyre.a
	$(call say,CC,$@)
	$(Q)$(memory_program) $(THREAD) $(LUA54_CFLAGS) -pthread -o $@ $^ -l:liblua5.4.a -lm -ldl

memory-versions:
	@echo $(MEMORY_VERSIONS)

#: make memory-allocations    fail every allocation of every operation, once, twice and all that follow
memory-allocations: core
	$(Q)eval "$$(tools/env $(B))" && $(LUA) spec/memory/run.lua allocations

#: make memory-threads        8 threads with 20 states each under ThreadSanitizer
memory-threads: core
	$(Q)eval "$$(tools/env $(B))" && $(LUA) spec/memory/run.lua threads 8 20

# of the engine what works on any file system and starts no other program
COLLECTED_SPECS := spec/core $(addprefix spec/engine/,batch_spec.lua store_spec.lua volume_spec.lua)
#: make memory-collect        specs of byre.core with a full collection after every call into it
memory-collect: core
	$(Q)eval "$$(tools/env $(B))" && \
		busted $(BUSTED_FLAGS) --helper=spec/memory/collect.lua $(or $(filter-out spec,$(SPECS)),$(COLLECTED_SPECS))

.PHONY: memory-versions memory-allocations memory-threads memory-collect
