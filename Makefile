# fotbench: one Makefile, objects in build/VARIANT/.
#
# VARIANT  release (default), asan, ubsan, fuzz, double (training code in double
#          precision, for gradient checks); matrix/NAME, matrix/NAME-double: release
#          and double in folders of their own, for other compilers and machines
# OPT      optimisation flags of this machine; OPT=-O2 gives a portable build
# JOBS     compilers at a time (instead of -j)
# PREFIX   where make install puts it (/usr/local), DESTDIR a folder before that
# WERROR=1 a warning is an error (for developers; a compiler we never saw may warn of anything)
# V=1      show the commands

VARIANT ?= release
OPT     ?= -O3 -march=native
JOBS    ?= $(shell nproc 2>/dev/null || echo 1)
ifeq ($(origin CC),default)
CC := gcc
endif

# Only the outermost make: the others share its job server.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(JOBS)
endif
# The lines of a compilation stand together; what runs for minutes is heard as it goes.
LONG = test asan ubsan sanitized builds fuzz corpora reproduce ablations paper panel regress regress-update bench deb
MAKEFLAGS += $(if $(filter $(LONG),$(MAKECMDGOALS)),,-Otarget)
MAKEFLAGS += --no-builtin-rules

say = $(if $(V),,@echo '  $(1) $@'; )

WARN := -Wall -Wextra -Wshadow -Wconversion -Wvla -Wmissing-prototypes -Wstrict-prototypes \
	-Wwrite-strings -Wdouble-promotion $(if $(findstring clang,$(CC)),-Wno-pass-failed -Wno-double-promotion) $(if $(WERROR),-Werror)
# clang also warns of a loop that it does not vectorise, and of INFINITY and NAN where a double stands.
# GSL takes its CBLAS from OpenBLAS, not from gslcblas. libcrypto: sha256 with the CPU's instructions for it, five
# times as fast as C.
LIBS := -lgsl -lopenblas -lcrypto -lcjson -lcsv -lzip -lz -lzstd -lsnappy -lpcre2-8 -lutf8proc -lm

OPT_release = $(OPT) -g
OPT_double  = $(OPT) -g -DFOT_REAL_DOUBLE
OPT_$(filter matrix/%,$(VARIANT)) = $(OPT_$(if $(filter %-double,$(VARIANT)),double,release))
# The sanitizers' own code makes gcc see uninitialised variables that are none.
OPT_asan    = -O1 -march=native -g -fno-omit-frame-pointer -fsanitize=address -Wno-maybe-uninitialized
OPT_ubsan   = -O1 -march=native -g -fno-omit-frame-pointer -fsanitize=undefined -fno-sanitize-recover=all \
	      -Wno-maybe-uninitialized
# libFuzzer: clang only (tests/fuzz/run.sh).
OPT_fuzz    = -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
ifeq ($(OPT_$(VARIANT)),)
$(error VARIANT=$(VARIANT): expected release, asan, ubsan, double, fuzz or matrix/NAME)
endif

B := build/$(VARIANT)
# Never -ffast-math: results must be the same bits everywhere. No product is fused with its sum either:
# clang does it unless told (gcc does not under -std=c11).
FLAGS := -std=c11 -D_GNU_SOURCE $(OPT_$(VARIANT)) -ffp-contract=off -fopenmp $(WARN) $(EXTRA)
CPPFLAGS_ALL := -I. -I$(B) -MMD -MP

SOURCES := $(wildcard base/*.c model/*.c model/train/*.c datasets/*.c tasks/*.c harness/*/*.c)
OBJECTS := $(patsubst %.c,$(B)/%.o,$(filter-out harness/cli/main.c,$(SOURCES)))
LIBRARY := $(B)/libfotbench.a
# With CUDA=1 the program is another one, linked of the same library and the device behind the engine "cuda".
PROGRAM := $(if $(wildcard harness/cli/main.c),$(B)/$(if $(CUDA),cuda/)fotbench)

# tests/unit/test_*.c and tests/grad/test_*.c are programs of their own; other
# .c files beside them are shared by all programs of that folder.
unit_of   = $(patsubst %.c,$(B)/%,$(wildcard tests/$(1)/test_*.c))
# tests/*.c: small programs that the test scripts call.
TOOLS := $(patsubst %.c,$(B)/%,$(wildcard tests/*.c))
shared_of = $(patsubst %.c,$(B)/%.o,$(filter-out tests/$(1)/test_%,$(wildcard tests/$(1)/*.c)))

.PHONY: all setup test test-programs grad-programs ready corpora reproduce ablations paper regress regress-update bench asan ubsan sanitized builds fuzz format help clean installed install uninstall deb
.DELETE_ON_ERROR:
.SECONDARY:

all: $(LIBRARY) $(PROGRAM) $(if $(PROGRAM),$(if $(filter release,$(VARIANT)),fotbench))

help:
	@echo 'make            build ./fotbench (OPT="-O3 -march=native" by default)'
	@echo 'make CUDA=1     build ./fotbench with the engine "cuda" (nvcc and cuBLAS: docs/gpu.md)'
	@echo 'make setup      install the Debian packages that are missing'
	@echo 'make test       setup, build, run all tests (tests/run.sh [--list] [NAME] runs some)'
	@echo 'make reproduce  setup, build, fetch the corpora, run the main job, draw its figures, compare with results/reference'
	@echo 'make corpora    setup, build, fetch the corpora (fotbench data fetch)'
	@echo 'make regress    score fixed texts with the zoo, compare with results/reference (1e-6 per token)'
	@echo 'make paper      every table of the paper, and which of its claims hold (TABLE="fft1 multidoc": those)'
	@echo 'make panel      kinds of memory at equal budget, and their claims (docs/results.md)'
	@echo 'make ablations  train the models that the ablations need and the zoo has no room for (NAME: one of them)'
	@echo 'make bench      measure the speed of kernels and engine on this machine'
	@echo 'make asan       unit tests and command line tests under the address sanitizer'
	@echo 'make ubsan      the same under the undefined behaviour sanitizer'
	@echo 'make builds     everything with gcc and clang for older and newer machines, no warning (NAME="clang-x86-64-v3": that)'
	@echo 'make fuzz       fuzz the readers of foreign files with libFuzzer, FUZZ_SECONDS=600 each'
	@echo 'make install    into PREFIX (/usr/local) below DESTDIR; make uninstall removes it again'
	@echo 'make deb        build/fotbench_VERSION_ARCH.deb (MACHINES="x86-64 x86-64-v3 x86-64-v4"; release: for this one)'
	@echo 'make format     clang-format all C files'
	@echo 'make clean      remove build/ and ./fotbench'

setup:
	@base/setup.sh

# ---- objects and programs ----

# Changed flags rebuild everything; an unchanged file keeps its time.
$(B)/flags: FORCE
	@mkdir -p $(B)
	@echo '$(CC) $(FLAGS)' | cmp -s - $@ || echo '$(CC) $(FLAGS)' >$@

# What the manifest says about the program: rebuilt only when it changes.
$(B)/build_info.h: FORCE
	@mkdir -p $(B)
	@{ echo '#define FOT_BUILD_COMMIT "'"$$(git rev-parse HEAD 2>/dev/null || echo unknown)"'"'; \
	   echo '#define FOT_BUILD_DIRTY '"$$(git diff --quiet HEAD 2>/dev/null && echo 0 || echo 1)"; \
	   echo '#define FOT_BUILD_COMPILER "'"$$($(CC) --version | head -n 1)"'"'; \
	   echo '#define FOT_BUILD_FLAGS "$(filter-out -W%,$(FLAGS))"'; \
	   echo '#define FOT_BUILD_FOLDER "$(CURDIR)"'; \
	   echo '#define FOT_BUILD_VARIANT "$(VARIANT)"'; } >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

.PHONY: FORCE
FORCE:

$(B)/%.o: %.c $(B)/flags | $(B)/build_info.h
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(FLAGS) $(CPPFLAGS_ALL) -c $< -o $@

# What stands in every page of `report --html`: the bytes of a file, with commas between.
$(B)/page_%.h: harness/export/page.%
	@mkdir -p $(@D)
	$(call say,GEN)od -An -v -tu1 $< | sed 's/[0-9][0-9]*/&,/g' >$@

$(B)/harness/export/page.o: $(B)/page_css.h $(B)/page_js.h

# A new archive by quick append: files of equal name in two rooms both stay.
$(LIBRARY): $(OBJECTS)
	$(call say,AR)rm -f $@ && ar qcs $@ $(OBJECTS)

$(B)/fotbench: $(B)/harness/cli/main.o $(LIBRARY)
	$(call say,LD)$(CC) $(FLAGS) $^ -o $@ $(LIBS)

# Which of the two it is, the last make decides.
fotbench: $(PROGRAM) FORCE
	@ln -sf $< $@

# CUDA_HOME: where the toolkit is; CUDA_ARCH: for which GPUs (sm_90: H100, H200; sm_80 at least).
# nvcc itself says where it lies: the nvcc of PATH may be a script or a link that stands elsewhere.
CUDA_HOME ?= $(or $(shell nvcc --dryrun -x cu /dev/null 2>&1 | sed -n 's/^\#\$$ TOP=//p'),/usr/local/cuda)
CUDA_ARCH ?= sm_90
NVCC := $(CUDA_HOME)/bin/nvcc

$(B)/cuda/device_cuda.o: model/device_cuda.cu $(wildcard model/device.h model/kernel*.h model/dtypes.h base/err.h)
	@mkdir -p $(@D)
	$(call say,NVCC)$(NVCC) -std=c++17 -O3 -arch=$(CUDA_ARCH) -Xcompiler -Wall -I. -c $< -o $@

# Before the library, whose device_cuda_none.c is not asked for then.
$(B)/cuda/fotbench: $(B)/harness/cli/main.o $(B)/cuda/device_cuda.o $(LIBRARY)
	$(call say,LD)$(CC) $(FLAGS) $^ -o $@ -L$(CUDA_HOME)/lib64 -Wl,-rpath,$(CUDA_HOME)/lib64 -lcublasLt -lcudart -lstdc++ $(LIBS)

$(call unit_of,unit): $(B)/tests/unit/%: $(B)/tests/unit/%.o $(call shared_of,unit) $(LIBRARY)
	$(call say,LD)$(CC) $(FLAGS) $^ -o $@ -lcmocka $(LIBS)

$(TOOLS): $(B)/tests/%: $(B)/tests/%.o $(LIBRARY)
	$(call say,LD)$(CC) $(FLAGS) $^ -o $@ $(LIBS)

$(call unit_of,grad): $(B)/tests/grad/%: $(B)/tests/grad/%.o $(call shared_of,grad) $(addprefix $(B)/tests/unit/,slow_net.o slow_rope.o vary_params.o) $(LIBRARY)
	$(call say,LD)$(CC) $(FLAGS) $^ -o $@ -lcmocka $(LIBS)

# Fuzz targets, without a fuzzer but for VARIANT=fuzz, and what writes their seeds.
FUZZ_MAIN := $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer,$(B)/tests/fuzz/replay.o)
FUZZERS := $(patsubst %.c,$(B)/%,$(wildcard tests/fuzz/fuzz_*.c))
$(FUZZERS): $(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(filter %.o,$(FUZZ_MAIN)) $(B)/tests/unit/torch_writer.o $(LIBRARY)
	$(call say,LD)$(CC) $(FLAGS) $^ -o $@ $(filter -%,$(FUZZ_MAIN)) $(LIBS)

$(B)/tests/fuzz/seeds: $(B)/tests/fuzz/seeds.o $(B)/tests/unit/torch_writer.o $(B)/tests/unit/spm_writer.o $(LIBRARY)
	$(call say,LD)$(CC) $(FLAGS) $^ -o $@ $(LIBS)

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# ---- tests ----

test-programs: all $(TOOLS) $(FUZZERS) $(B)/tests/fuzz/seeds $(call unit_of,unit)
grad-programs: $(call unit_of,grad)

# A separate make each: setup first, since the build needs its packages.
test:
	@base/setup.sh
	@$(MAKE) --no-print-directory VARIANT=release test-programs
	@$(MAKE) --no-print-directory VARIANT=double grad-programs
	@tests/run.sh $(NAME)

asan ubsan:
	@$(MAKE) --no-print-directory VARIANT=$@ sanitized

sanitized: test-programs
	@VARIANT=$(VARIANT) TEST_GROUPS='unit cli bad faults' ASAN_OPTIONS=abort_on_error=0:allocator_may_return_null=1 \
		UBSAN_OPTIONS=print_stacktrace=1 tests/run.sh $(NAME)

# NAME="gcc-x86-64 clang-native": those
builds:
	@CC='$(CC)' tests/builds.sh $(NAME)

# FUZZ_SECONDS (600) for each target; NAME: one target
fuzz: $(B)/tests/fuzz/seeds
	@SEEDS=$< CC='$(CC)' tests/fuzz/run.sh $(NAME)

# ---- the main job ----

ready:
	@base/setup.sh
	@$(MAKE) --no-print-directory VARIANT=release all

corpora: ready
	./fotbench data fetch

reproduce: corpora
	./fotbench run harness/specs/quick.json -o results/runs/quick --overwrite
	./fotbench plot results/runs/quick
	./fotbench compare results/reference/quick results/runs/quick --quiet

# Fine-tunings for which the zoo has no room: 5 to 15 minutes each where nothing else runs.
ABLATIONS = ft-fot ft-fot-w2 ft-fot-d8 ft-fot-gate ft-memorizing ft-fot-memorizing fewshot-fot-d1 fewshot-vanilla fewshot-start

ablations: corpora
	@set -e; for m in $(or $(NAME),$(ABLATIONS)); do \
		test -e model/zoo/$$m/model.safetensors || \
			./fotbench train model/train/recipes/$$m.json -o model/zoo/$$m --resume; \
	done

# All tables of the paper, decay.json and long.json (where ft-fot-long is there), or TABLE="fft1 decay": results/runs/,
# and what they say of its claims.
paper: $(if $(TABLE),corpora,ablations)
	@results/paper/tables.sh $(TABLE)

# Kinds of memory at equal budget: results/runs/panel*, their figures, and what they say of results/panel/claims.json.
PANEL = panel panel-128k panel-rope panel-passkey panel-lookup panel-index panel-index-passkey panel-index-lookup

panel: corpora
	@set -e; for s in $(PANEL); do \
		./fotbench run harness/specs/$$s.json -o results/runs/$$s --resume; \
		./fotbench plot results/runs/$$s; \
	done
	./fotbench report $(PANEL:%=results/runs/%) --claims results/panel/claims.json -o results/runs/panel-report

# REFERENCE=FOLDER: compare with what another build left there (docs/ci.md)
regress: ready
	@tests/regress.sh harness/specs/regress.json $(REFERENCE)

regress-update: all
	@tests/regress.sh --update

bench: all
	./fotbench bench

# ---- installing (docs/install.md) ----

PREFIX ?= /usr/local
MACHINES ?= $(if $(findstring x86_64,$(shell uname -m)),x86-64 x86-64-v3 x86-64-v4,release)

# The same program, which finds PREFIX/share/fotbench wherever it is copied to.
$(B)/installed/prefix: FORCE
	@mkdir -p $(@D)
	@echo '$(PREFIX)' | cmp -s - $@ || echo '$(PREFIX)' >$@

$(B)/installed/prefix.o: harness/plan/prefix.c $(B)/installed/prefix $(B)/flags
	$(call say,CC)$(CC) $(FLAGS) -I. -DFOT_SHIPPED='"$(PREFIX)/share/fotbench"' -c $< -o $@

$(B)/installed/fotbench: $(B)/harness/cli/main.o $(B)/installed/prefix.o $(LIBRARY)
	$(call say,LD)$(CC) $(FLAGS) $^ -o $@ $(LIBS)

installed: $(B)/installed/fotbench

install: installed
	@base/install.sh '$(DESTDIR)$(PREFIX)' $(B)/installed/fotbench

uninstall:
	@base/install.sh --remove '$(DESTDIR)$(PREFIX)'

deb:
	@CC='$(CC)' MAKE='$(MAKE)' base/deb.sh '$(or $(DEB),build)' $(MACHINES)

# ---- housekeeping ----

format:
	clang-format -i $(wildcard base/*.[ch] model/*.[ch] model/train/*.[ch] datasets/*.[ch] tasks/*.[ch] \
		harness/*/*.[ch] tests/unit/*.[ch] tests/grad/*.[ch])

clean:
	rm -rf build fotbench
