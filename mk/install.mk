# where `make install` puts things

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DATADIR ?= $(PREFIX)/share
MANDIR ?= $(DATADIR)/man
DOCDIR ?= $(DATADIR)/doc/byre
INSTALL ?= install

MAN_PAGES = $(wildcard doc/*.[135])
# as they stand in the tree, so that the links between them hold
DOCUMENTS = README.md CHANGELOG.md LICENSE $(filter-out $(MAN_PAGES),$(shell find doc examples -type f 2>/dev/null))
LUA_VERSIONS = 5.4 $(if $(HAVE_LUA53),5.3)

# FROM:TO:MODE of every installed file
INSTALLED = \
	$(B)/byre:$(BINDIR)/byre:755 \
	csrc/byre.h:$(INCLUDEDIR)/byre.h:644 \
	$(foreach l,$(LIBRARIES), \
		$(B)/$l.a:$(LIBDIR)/$l.a:644 \
		$(B)/$l.so:$(LIBDIR)/$l.so.$(SOVERSION):755 \
		$(B)/$(l:lib%=%).pc:$(LIBDIR)/pkgconfig/$(l:lib%=%).pc:644) \
	$(foreach v,$(LUA_VERSIONS), \
		$(B)/lua/$v/byre/core.so:$(LIBDIR)/lua/$v/byre/core.so:755 \
		$(foreach s,$(LIBRARY_SCRIPTS),$s:$(DATADIR)/lua/$v/$(s:lua/%=%):644)) \
	$(foreach p,$(MAN_PAGES),$p:$(MANDIR)/man$(subst .,,$(suffix $p))/$(notdir $p):644) \
	$(foreach d,$(DOCUMENTS),$d:$(DOCDIR)/$d:644)

# directories that are ours alone
OWN_DIRS = $(DOCDIR) $(foreach v,$(LUA_VERSIONS),$(LIBDIR)/lua/$v/byre $(DATADIR)/lua/$v/byre)

field = $(word $1,$(subst :, ,$2))

$(B)/byre.pc: LUA_OF_LIBRARY = lua5.4
$(B)/byre-lua5.3.pc: LUA_OF_LIBRARY = lua5.3
$(B)/%.pc: byre.pc.in FORCE
	@mkdir -p $(@D)
	@sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
		-e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@VERSION@|$(VERSION)|' \
		-e 's|@NAME@|$*|' -e 's|@LUA@|$(LUA_OF_LIBRARY)|' $< >$@

define newline


endef

#: make install    PREFIX=/usr/local DESTDIR=
install: all $(LIBRARIES:lib%=$(B)/%.pc)
	$(foreach f,$(INSTALLED),$(Q)$(INSTALL) -D -m $(call field,3,$f) $(call field,1,$f) \
		'$(DESTDIR)$(call field,2,$f)'$(newline)	)
	$(foreach l,$(LIBRARIES),$(Q)ln -sf $l.so.$(SOVERSION) '$(DESTDIR)$(LIBDIR)/$l.so'$(newline)	)

#: make uninstall  with the same PREFIX and DESTDIR
uninstall:
	$(foreach f,$(INSTALLED),$(Q)rm -f '$(DESTDIR)$(call field,2,$f)'$(newline)	)
	$(Q)rm -f $(foreach l,$(LIBRARIES),'$(DESTDIR)$(LIBDIR)/$l.so')
	$(Q)find $(foreach d,$(OWN_DIRS),'$(DESTDIR)$d') -depth -type d -empty -delete 2>/dev/null || true

.PHONY: install uninstall
