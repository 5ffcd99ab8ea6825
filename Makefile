# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The front door.  Behind it are CMake (user space, tests), Kbuild (the
# module), qemu/ (the guests).  `make help` says what there is.

# Kernels to build the module for and to test on: of those in qemu/kernels/table.
# MORE_KERNELS are tested as well, but `make` alone does not build for them, which takes the
# root of another Debian.
ifndef KERNELS
KERNELS := $(shell qemu/kernels/list always)
MORE_KERNELS := $(shell qemu/kernels/list tests)
endif
TESTED_KERNELS = $(KERNELS) $(MORE_KERNELS)
# Options of tests/bench/run, e.g. --short.
BENCH ?=
PREFIX ?= /usr/local
BUILD_TYPE ?= RelWithDebInfo

.DEFAULT_GOAL := all
.PHONY: all help userspace module demo docs test test-nightly test-debug coverage coverage-userspace matrix bench \
	check install uninstall module-own deb test-deb clean tools deps deps-bench deps-deb deps-debug deps-check deps-fuzz \
	deps-coverage deps-root

help:
	@echo 'make             build everything into build/; installs nothing'
	@echo 'make deps        install the Debian packages that building and testing take'
	@echo 'make demo        boot a guest, insert the module, take the tour of kspawn demo'
	@echo 'make test        all tests, on each kernel in KERNELS ("$(TESTED_KERNELS)")'
	@echo 'make test-nightly  20,000 random starts, 1,000,000 fuzzed ioctls, 1,000,000 starts in a'
	@echo '                 row a kernel, PREEMPT_RT, cloud and 7.x kernels, changes to the'
	@echo '                 module and the library, each to be noticed, packages, and more: a day or so'
	@echo 'make test-debug  tests of the ioctl on a kernel with KASAN, lockdep, kmemleak,'
	@echo '                 each allocation and each call failing in turn; fuzzer'
	@echo 'make coverage    the same; then which lines of kmod/ these tests have run'
	@echo 'make coverage-userspace  how much of userspace/ and ebpf/ their tests run; an hour'
	@echo 'make matrix      compile the module for every kernel whose headers Debian has'
	@echo 'make bench       what it costs to start a program, ours and others; hours.'
	@echo '                 BENCH=--short: what our goals are about; minutes'
	@echo 'make docs        the reference of the libraries from their headers, into build/docs'
	@echo 'make check       checkpatch, sparse, clang-format, clang-tidy, shellcheck'
	@echo 'make module      only the module, for each kernel in KERNELS'
	@echo 'make module-own  only the module, for the kernel that this machine runs'
	@echo 'make install     library, headers, tools, as built before; DESTDIR and PREFIX as usual'
	@echo 'make uninstall   remove what make install has installed'
	@echo 'make deb         Debian packages of all of it, in build/deb'
	@echo 'make test-deb    lintian; a guest installs, uses and removes these packages'
	@echo 'make clean       remove build/ (not the cache of kernels)'

all: userspace module

# The tools for building are looked for, not installed.
tools:
	@.ci/tools build vm

# Missing tools are installed, from Debian's packages.
deps:
	@.ci/install-deps build vm test
deps-bench:
	@.ci/install-deps build vm bench
deps-deb:
	@.ci/install-deps build vm deb
deps-debug:
	@.ci/install-deps build vm test debug
deps-fuzz:
	@.ci/install-deps build fuzz
deps-coverage:
	@.ci/install-deps build vm test coverage
deps-root:
	@.ci/install-deps root
deps-check:
	@.ci/install-deps build vm check root

# The harness of the tests is fetched before CMake is asked, where that can be seen.
# Status 3: there is no apt to fetch with, which has been said by now.
userspace: tools
	@tools=$$(qemu/kernels/kernel-tools) || [ $$? -eq 3 ] || exit 1; \
	.ci/configure build -DCMAKE_BUILD_TYPE='$(BUILD_TYPE)' \
		-DCMAKE_INSTALL_PREFIX='$(abspath $(PREFIX))' \
		-DKSPAWN_WERROR=ON \
		-DKSPAWN_KSELFTEST_DIR="$${tools:+$$tools/tools/testing/selftests}"
	@.ci/build build

module: tools
	@qemu/kernels/module $(KERNELS)

# In a directory of its own, build/own, of which insmod takes kspawn.ko.
module-own:
	@scripts/module-own build/own

# These install what they need before they build.
MAKE_ALL := $(MAKE) --no-print-directory all

demo: deps
	@$(MAKE_ALL)
	@tests/demo/run

# A quarter of the rounds of what goes on until something happens; the nightly has more than all.
test: deps $(if $(MORE_KERNELS),deps-root)
	@$(MAKE_ALL)
	@status=0; \
	ctest --test-dir build --output-on-failure --no-tests=error --parallel "$$(nproc)" || status=1; \
	tests/run $(TESTED_KERNELS:%=--kernel %) --env KSPAWN_TEST_SCALE=25 || status=1; \
	exit $$status

# A day or so, where the guests are emulated.  Those with -rt are kernels that can
# be preempted nearly anywhere, as others with preempt=full: there the tracer has other
# probes.
NIGHTLY_FLAVOURS ?= $(shell qemu/kernels/list nightly)
NIGHTLY_SERIES ?= $(shell qemu/kernels/list nightly generic)
NIGHTLY_RT ?= $(shell qemu/kernels/list nightly rt)
TRACER_TESTS := ^trace/|^races/traced$$
test-nightly: deps-debug deps-deb deps-fuzz deps-root
	@$(MAKE_ALL)
	@tests/run $(KERNELS:%=--kernel %) --timeout 86400 --program-timeout 36000 \
		--env KSPAWN_ROW_COUNT=1000000 --env KSPAWN_RELOAD_COUNT=1000 --env KSPAWN_TEST_SCALE=1000 \
		--env KSPAWN_CONFORMANCE_COUNT=20000 \
		--env KSPAWN_CONFORMANCE_SEED=$$(date +%Y%m%d) \
		--env KSPAWN_FUZZ_COUNT=1000000 \
		--env KSPAWN_FUZZ_SEED=$$(date +%Y%m%d) --env KSPAWN_RACES_ROUNDS=2000 \
		--env KSPAWN_RACES_CLEAN_ROUNDS=1000 \
		'^(conformance|races)/|^guest/fuzz_ioctl|^abi/(stress$$|reload)'
	@qemu/kernels/matrix
	@python3 -m unittest discover -s tests/alone -p '*_test.py'
	@tests/readme/run --nightly
	@$(MAKE) --no-print-directory test-deb
	@tests/firsthour/run
	@tests/firsthour/run --root bookworm
	@tests/firsthour/run --root trixie
	@tests/fuzz/library/run 600
	@tests/run --jobs 1 $(NIGHTLY_FLAVOURS:%=--kernel %) '^abi/'
	@tests/run --all --jobs 1 --timeout 14400 $(TESTED_KERNELS:%=--kernel %) $(NIGHTLY_SERIES:%=--kernel %)
	@tests/run --jobs 1 $(NIGHTLY_RT:%=--kernel %) '$(TRACER_TESTS)'
	@tests/run --jobs 1 $(KERNELS:%=--kernel %) --append preempt=full '$(TRACER_TESTS)'
	@tests/run --jobs 1 --root trixie $(KERNELS:%=--kernel %) \
		'^(lib|command)/|^trace/(arithmetic|printing)$$'
	@tests/mutations/run $(KERNELS:%=--kernel %)
	@tests/mutations/run --of lib $(KERNELS:%=--kernel %)
	@tests/run --kernel debug --timeout 43200 --program-timeout 36000 \
		--env KSPAWN_TEST_SCALE=100 --env KSPAWN_FUZZ_COUNT=20000 \
		--env KSPAWN_FUZZ_SEED=$$(date +%Y%m%d) '$(DEBUG_TESTS)'

# The tests that find mistakes in kmod/, rather than in the libraries.
DEBUG_TESTS := ^(abi|faults)/|^guest/(unload|fuzz_ioctl)
test-debug: deps-debug
	@$(MAKE) --no-print-directory userspace
	@qemu/kernels/module debug
	@tests/run --kernel debug --env KSPAWN_FUZZ_COUNT=4000 '$(DEBUG_TESTS)'

coverage: deps-debug
	@$(MAKE) --no-print-directory userspace
	@tests/coverage/run '$(DEBUG_TESTS)'

coverage-userspace: deps-coverage
	@tests/coverage/userspace

matrix: tools
	@qemu/kernels/matrix

bench: deps-bench
	@$(MAKE_ALL)
	@tests/bench/run $(BENCH)

# A warning is an error.  doxygen is in the group check of .ci/packages.
docs:
	@mkdir -p build
	@doxygen docs/Doxyfile
	@echo 'docs: build/docs/html/index.html'

check: deps-check
	@$(MAKE) --no-print-directory userspace
	@.ci/check

# Only files that are built are installed: this is for sudo.  The source of the module goes with it,
# for DKMS; a module fits one kernel release.
install:
	@DESTDIR='$(DESTDIR)' scripts/install $(if $(filter-out file,$(origin PREFIX)),--prefix '$(abspath $(PREFIX))') build

uninstall:
	@DESTDIR='$(DESTDIR)' scripts/uninstall build

deb:
	@.ci/tools build deb
	@scripts/deb

test-deb: deps-deb
	@$(MAKE) --no-print-directory deb
	@tests/package/run

clean:
	rm -rf build
