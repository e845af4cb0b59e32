# SPDX-License-Identifier: PostgreSQL
# Builds, installs and checks the extension with PGXS. The core's own tests and benchmarks are built by CMakeLists.txt.

# The sources lie beside this file, also if make runs in another folder. PGXS takes the folder from VPATH.
srcdir := $(or $(VPATH),$(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST)))))
VPATH  := $(srcdir)

EXTENSION  = hllset
MODULE_big = hllset
DATA       = $(notdir $(wildcard $(srcdir)/hllset--*.sql))
# The folder is the list: every .cpp in src/core is the core, every .c in src/pg is the shim.
SOURCES := $(patsubst $(srcdir)/%,%,$(sort $(wildcard $(srcdir)/src/core/*.cpp $(srcdir)/src/pg/*.c)))
OBJS    := $(addsuffix .o,$(basename $(SOURCES)))
ifeq ($(OBJS),)
$(error hllset: there are no sources in "$(srcdir)/src"; run make with -f FOLDER/Makefile, FOLDER being that of the sources)
endif

PG_CPPFLAGS = -I$(srcdir)/src
# What the command line adds comes last. CMake's release builds have -O3 too.
override PG_CXXFLAGS := $(shell grep ^- $(srcdir)/src/core/flags) -O3 $(PG_CXXFLAGS)
# The little that the shim computes is the same on every machine too.
SAME_NUMBERS := -ffp-contract=off -fno-math-errno
override PG_CFLAGS := $(SAME_NUMBERS) $(PG_CFLAGS)

REGRESS      = type vectors element hllhash passing aggregate pending setops expanded union rolling intersect algebra measure regions predicate signature similar within search precedence \
               compare estimate info sample errors hostile cookbook security install
REGRESS     := $(filter-out $(SKIP),$(REGRESS)) # make installcheck SKIP="vectors rolling" leaves these out
REGRESS_OPTS = --load-extension=hllset
PROVE_TESTS  = test/t/*.pl

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# Only sources are looked for in srcdir: the objects of a build there belong to that build.
srcdir := $(srcdir)
override VPATH :=
vpath %.c $(srcdir)
vpath %.cpp $(srcdir)
vpath %.control $(srcdir)

# Calls within the library need no table of another library's. On macOS they never do.
ifneq ($(filter linux freebsd netbsd openbsd,$(PORTNAME)),)
SHLIB_LINK += -Wl,-Bsymbolic-functions
endif

# PGXS passes these to the compiler but not to the bitcode compiler.
# What JIT inlines must be functions: clang makes one constructor the alias of the other, which stops the server (LLVM 19) or worse.
COMPILE.cxx.bc += $(PG_CXXFLAGS) -Xclang -mno-constructor-aliases
COMPILE.c.bc += $(SAME_NUMBERS)
# Packaged servers are built without dependency tracking.
$(OBJS) $(OBJS:.o=.bc): $(wildcard $(addprefix $(srcdir)/src/*/,*.h *.hpp *.inc flags)) $(srcdir)/Makefile

# Another folder has no folders for the objects yet.
FOLDERS := $(addprefix $(CURDIR)/,$(sort $(dir $(OBJS))))
$(OBJS) $(OBJS:.o=.bc): | $(FOLDERS)
$(FOLDERS):
	$(MKDIR_P) $@

# Server 14 does not tell the tests where the sources are.
installcheck: export PG_ABS_SRCDIR := $(abspath $(srcdir))

# The TAP tests start servers of their own, so they stay out of installcheck.
.PHONY: prove_installcheck
prove_installcheck:
	$(prove_installcheck)
