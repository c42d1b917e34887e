# the set of extents alone, without Lua and without files

EXTENT_SET := $(B)/core/extent_set

$(EXTENT_SET): spec/core/extent_set.c csrc/extent_set.c csrc/extent_walk.c csrc/extent_walk.h csrc/extents.h
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(COMPILE) -O1 -fsanitize=undefined -fno-sanitize-recover=undefined $(LDFLAGS) -Icsrc -o $@ $(filter %.c,$^)

test-programs: $(EXTENT_SET)
