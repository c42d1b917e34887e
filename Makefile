# byre: build, test, install.  `make help` lists the targets.
#
#   CC CFLAGS CPPFLAGS LDFLAGS   as usual, added to what the project needs
#   PREFIX DESTDIR               where `make install` puts things
#   V=1                          show the commands

B := build
HASH := \#
VERSION := $(shell sed -n 's/^$(HASH)define BYRE_VERSION "\(.*\)"/\1/p' csrc/byre.h)

CFLAGS ?= -O2 -g
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s%s\n' $(1) $(2))

MAKEFLAGS += --no-print-directory

LUA ?= lua5.4
LUA54_CFLAGS ?= $(shell pkg-config --cflags lua5.4 2>/dev/null || echo -I/usr/include/lua5.4)
LUA53_CFLAGS ?= $(shell pkg-config --cflags lua5.3 2>/dev/null || echo -I/usr/include/lua5.3)

all:

include mk/core.mk
include mk/host.mk
include mk/test.mk
include mk/install.mk
include $(wildcard spec/*/*.mk) bench/bench.mk

all: $(B)/byre $(LIBRARIES:%=$(B)/%.a) $(LIBRARIES:%=$(B)/%.so) $(CORES) $(B)/library/byre.lua

clean:
	rm -rf $(filter-out $(B)/deps,$(wildcard $(B)/*))

# also what tools/setup fetched
distclean:
	rm -rf $(B)

help:
	@sed -n 's/^#: //p' $(MAKEFILE_LIST)

.PHONY: all clean distclean help FORCE
FORCE:
.DELETE_ON_ERROR:
.SUFFIXES:
