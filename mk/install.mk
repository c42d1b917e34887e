# where `make install` puts things

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DATADIR ?= $(PREFIX)/share
MANDIR ?= $(DATADIR)/man
DOCDIR ?= $(DATADIR)/doc/byre
INSTALL ?= install

# the same text as --help and doc/concepts.md; they need lowdown, and are left out where it is not
VERBS := $(shell sed -n '/^command.groups/,/^}/s/[^"]*"[^"]*"[^{]*{\(.*\)} },/\1/p' lua/byre/command.lua | tr -d '",')
MAN_PAGES := $(if $(shell command -v lowdown),$(B)/man/byre.1 $(B)/man/byre.7 $(VERBS:%=$(B)/man/byre-%.1))
COMPLETIONS = $(B)/completion/byre $(B)/completion/_byre $(B)/completion/byre.fish
# as they stand in the tree, so that the links between them hold
DOCUMENTS = README.md CHANGELOG.md LICENSE $(shell find doc examples -type f 2>/dev/null)
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
	$(B)/library/byre.lua:$(DATADIR)/byre/library/byre.lua:644 \
	$(foreach p,$(MAN_PAGES),$p:$(MANDIR)/man$(subst .,,$(suffix $p))/$(notdir $p):644) \
	$(B)/completion/byre:$(DATADIR)/bash-completion/completions/byre:644 \
	$(B)/completion/_byre:$(DATADIR)/zsh/vendor-completions/_byre:644 \
	$(B)/completion/byre.fish:$(DATADIR)/fish/vendor_completions.d/byre.fish:644 \
	$(foreach d,$(DOCUMENTS),$d:$(DOCDIR)/$d:644)

# directories that are ours alone
OWN_DIRS = $(DOCDIR) $(DATADIR)/byre $(foreach v,$(LUA_VERSIONS),$(LIBDIR)/lua/$v/byre $(DATADIR)/lua/$v/byre)

field = $(word $1,$(subst :, ,$2))

$(B)/byre.pc: LUA_OF_LIBRARY = lua5.4
$(B)/byre-lua5.3.pc: LUA_OF_LIBRARY = lua5.3
$(B)/%.pc: byre.pc.in FORCE
	@mkdir -p $(@D)
	@sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
		-e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@VERSION@|$(VERSION)|' \
		-e 's|@NAME@|$*|' -e 's|@LUA@|$(LUA_OF_LIBRARY)|' $< >$@

$(MAN_PAGES): $(B)/man/%: tools/man.lua doc/concepts.md $(SCRIPTS) $(B)/lua/5.4/byre/core.so
	@mkdir -p $(@D)
	$(call say,MAN,$@)
	$(Q)eval "$$(tools/env $(B))" && $(LUA) tools/man.lua $* >$@.md && { \
		echo "'\\\" t"; lowdown -s -t man $@.md; } >$@      # t: man has to call tbl

#: make man        the manual pages: build/man
man: $(MAN_PAGES)
	@command -v lowdown >/dev/null || { \
		echo "byre: make man needs lowdown (on Debian: apt-get install lowdown)" >&2; exit 1; }

#: make site       the manual as a static site: build/site
site:
	@command -v lowdown >/dev/null || { \
		echo "byre: make site needs lowdown (on Debian: apt-get install lowdown)" >&2; exit 1; }
	$(Q)rm -rf $(B)/site
	$(Q)$(LUA) tools/site.lua $(B)/site $(DOCUMENTS)

$(B)/completion/byre: COMPLETED_SHELL = bash
$(B)/completion/_byre: COMPLETED_SHELL = zsh
$(B)/completion/byre.fish: COMPLETED_SHELL = fish
$(COMPLETIONS): $(B)/byre
	@mkdir -p $(@D)
	$(Q)$(B)/byre completion $(COMPLETED_SHELL) >$@

# what an editor wants to know of the library
$(B)/library/byre.lua: tools/meta.lua doc/api.md
	@mkdir -p $(@D)
	$(call say,META,$@)
	$(Q)$(LUA) tools/meta.lua <doc/api.md >$@

define newline


endef

#: make install    PREFIX=/usr/local DESTDIR=
install: all $(MAN_PAGES) $(COMPLETIONS) $(LIBRARIES:lib%=$(B)/%.pc)
	$(foreach f,$(INSTALLED),$(Q)$(INSTALL) -D -m $(call field,3,$f) $(call field,1,$f) \
		'$(DESTDIR)$(call field,2,$f)'$(newline)	)
	$(foreach l,$(LIBRARIES),$(Q)ln -sf $l.so.$(SOVERSION) '$(DESTDIR)$(LIBDIR)/$l.so'$(newline)	)

#: make uninstall  with the same PREFIX and DESTDIR
uninstall:
	$(foreach f,$(INSTALLED),$(Q)rm -f '$(DESTDIR)$(call field,2,$f)'$(newline)	)
	$(Q)rm -f $(foreach l,$(LIBRARIES),'$(DESTDIR)$(LIBDIR)/$l.so')
	$(Q)find $(foreach d,$(OWN_DIRS),'$(DESTDIR)$d') -depth -type d -empty -delete 2>/dev/null || true

ROCKSPEC ?= rockspec/byre-scm-1.rockspec
#: make rockspec   bring the lists of files in it up to date
rockspec:
	$(Q)$(LUA) tools/rockspec.lua $(ROCKSPEC) $(CORE_SOURCES) $(SCRIPTS)

# what the packages are built from
SOURCE_TREE = Makefile mk tools csrc lua bench doc examples debian README.md CHANGELOG.md LICENSE byre.pc.in
DEB_TREE = $(B)/deb/byre-$(VERSION)
#: make deb        Debian packages lua-byre, byre and libbyre-dev in build/deb
deb:
	$(Q)tools/setup deb
	$(Q)rm -rf $(B)/deb && mkdir -p $(DEB_TREE)/build/deps
	$(Q)cp -a $(SOURCE_TREE) $(DEB_TREE) && cp -a $(POSIX) $(DEB_TREE)/build/deps
	$(Q)cd $(DEB_TREE) && env -u MAKEFLAGS -u MAKELEVEL dpkg-buildpackage -b -us -uc

.PHONY: install uninstall man site rockspec deb
