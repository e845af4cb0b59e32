# SPDX-License-Identifier: PostgreSQL
# Builds, installs and checks the extension with PGXS. The core's own tests and benchmarks are built by CMakeLists.txt.

EXTENSION  = hllset
MODULE_big = hllset
DATA       = $(wildcard hllset--*.sql)
# The folder is the list: every .cpp in src/core is the core, every .c in src/pg is the shim.
OBJS  = $(patsubst %.cpp,%.o,$(sort $(wildcard src/core/*.cpp)))
OBJS += $(patsubst %.c,%.o,$(sort $(wildcard src/pg/*.c)))

PG_CPPFLAGS = -Isrc
# "override ... +=" keeps what the command line adds.
override PG_CXXFLAGS += -std=c++20 -O3 -fno-exceptions -fno-rtti -fvisibility=hidden -ffp-contract=off -U_GLIBCXX_ASSERTIONS
# Calls within the library need no table of another library's.
SHLIB_LINK  = -lm -Wl,-Bsymbolic-functions

REGRESS      = type vectors element hllhash overload aggregate pending setops expanded union rolling intersect algebra measure predicate precedence compare estimate info errors \
               hostile cookbook install
REGRESS_OPTS = --load-extension=hllset
PROVE_TESTS  = test/t/*.pl

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# PGXS passes PG_CXXFLAGS to the compiler but not to the bitcode compiler.
COMPILE.cxx.bc += $(PG_CXXFLAGS)
# Packaged servers are built without dependency tracking.
$(OBJS) $(OBJS:.o=.bc): $(wildcard src/*/*.h src/*/*.hpp src/*/*.inc) Makefile

# The TAP tests start servers of their own, so they stay out of installcheck.
.PHONY: prove_installcheck
prove_installcheck:
	$(prove_installcheck)
