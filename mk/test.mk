# specs and checks

# what to run: make test SPECS=spec/core
SPECS := spec

#: make -s env     print what makes a plain lua5.4 find byre: eval "$(make -s env)"
env:
	@tools/env $(B)

#: make test       install what is missing, build, run every spec
test:
	$(Q)tools/setup test
	$(Q)$(MAKE) all test-programs
	$(Q)eval "$$(tools/env $(B))" && tools/specs $(SPECS) -- $(BUSTED_FLAGS)

#: make test-hosts the programs of other people that byre runs in: examples/ and packages
test-hosts:
	$(Q)tools/setup hosts
	$(Q)$(MAKE) all
	$(Q)eval "$$(tools/env $(B))" && busted $(BUSTED_FLAGS) --pattern=_host%.lua$$ spec/hosts

# what specs need besides; their own makefiles add to it
test-programs:

#: make demo       install what is missing, build, tell the story of a pool
demo:
	$(Q)tools/setup demo
	$(Q)$(MAKE) all
	$(Q)eval "$$(tools/env $(B))" && sh tools/demo

#: make check      install what is missing, then everything that finds defects
check:
	$(Q)tools/setup check
	$(Q)$(MAKE) lint asan valgrind

#: make lint       the quick part of it: luacheck cppcheck werror-gcc werror-clang shellcheck
lint: luacheck cppcheck werror-gcc werror-clang shellcheck

luacheck:
	$(Q)luacheck -q --no-color .

# autoVariables: a callback gets a pointer into the frame that waits for it
cppcheck: $(B)/gen/linked_modules.h
	$(Q)cppcheck -q --std=c11 --language=c --library=lua --enable=warning,performance,portability \
		--inline-suppr --suppress=missingIncludeSystem --suppress=autoVariables --error-exitcode=1 \
		-D__linux__ -D_GNU_SOURCE '-DluaL_argerror(L,arg,why)=exit(1)' -Icsrc -I$(B)/gen csrc

WERROR = $(B)/werror
werror-gcc:
	$(Q)$(MAKE) B=$(WERROR)/gcc CC=gcc CFLAGS='-O2 -Werror' objects

werror-clang:
	$(Q)$(MAKE) B=$(WERROR)/clang CC=clang CFLAGS='-O2 -Werror' objects

shellcheck:
	$(Q)command -v shellcheck >/dev/null || { echo "shellcheck: not there, left out"; exit 0; }; \
		shellcheck $(SHELL_SCRIPTS)

SHELL_SCRIPTS = $(wildcard tools/setup tools/env tools/specs tools/demo mk/asan-lua.in .ci/run)

# everything of C, nothing linked; the luaposix archives are not needed
objects: $(CORE_OBJECTS_54) $(B)/obj/5.4/preload.o $(B)/obj/5.4/host.o \
	$(if $(HAVE_LUA53),$(CORE_OBJECTS_53) $(B)/obj/5.3/preload.o)

SANITIZE := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
# not: what looks at the normal build, counts system calls, or takes minutes without
SANITIZED_SPECS := $(wildcard spec/core spec/decide spec/engine spec/command spec/retention/hostile_spec.lua)
#: make asan       specs with C under AddressSanitizer and UBSan
asan: $(B)/asan/lua5.4 $(B)/asan/lua5.3
	$(Q)$(MAKE) B=$(B)/asan CC=gcc CFLAGS='$(SANITIZE)' all $(EXTENT_SET:$(B)/%=$(B)/asan/%)
	$(Q)cp mk/asan.lua $(B)/asan
	$(Q)eval "$$(tools/env $(B)/asan)" && \
		busted $(BUSTED_FLAGS) $(or $(filter-out spec,$(SPECS)),$(SANITIZED_SPECS))

$(B)/asan/lua5.%: mk/asan-lua.in
	@mkdir -p $(@D)
	@sed "s|@LIBASAN@|$$(gcc -print-file-name=libasan.so)|" $< >$@ && chmod +x $@

#: make valgrind   specs of byre.core under valgrind
# it says much of system calls that it does not know
valgrind: core
	$(Q)eval "$$(tools/env $(B))" && \
		valgrind -q --log-file=$(B)/valgrind.log --error-exitcode=1 \
			--leak-check=full --errors-for-leak-kinds=definite \
			lua5.4 -e 'require("busted.runner")({ standalone = false })' /dev/null --ignore-lua \
			$(or $(filter-out spec,$(SPECS)),spec/core); \
		status=$$?; grep -v -e '^--' -e Warning: -e ' This could cause' -e ' See README' $(B)/valgrind.log; \
		exit $$status

.PHONY: env test test-hosts test-programs demo check lint luacheck cppcheck werror-gcc werror-clang shellcheck objects asan valgrind
