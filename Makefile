# distill: a GGUF inference engine for CPUs. `make help` lists the targets.
#
# Public targets first run scripts/setup.sh (quick when nothing is missing) and then build in a sub-make, so that what
# setup installs is seen by the probes below. Objects of each variant live in build/<variant>/.

VARIANT ?= release
BUILD   := build/$(VARIANT)
JOBS    ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2)
SYSTEM_NAME := $(shell uname -s)
MACHINE := $(if $(filter aarch64%,$(VARIANT)),aarch64,$(shell uname -m))
Q       := $(if $(V),,@)

# A sub-make gets -j unless the caller chose one.
SUB_MAKE = +@$(MAKE) --no-print-directory $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(JOBS))

# ---- what is built -------------------------------------------------------------------------------------------------
# Kernels of another machine are left out; quant/kernels/registry.cpp asks the same macros as the compiler defines.
ifneq ($(filter x86_64 amd64,$(MACHINE)),)
FOREIGN_KERNELS := quant/kernels/neon% quant/kernels/vector_neon%
else ifneq ($(filter aarch64 arm64,$(MACHINE)),)
FOREIGN_KERNELS := quant/kernels/avx% quant/kernels/amx% quant/kernels/vector256%
else
FOREIGN_KERNELS := quant/kernels/neon% quant/kernels/vector_neon% quant/kernels/avx% quant/kernels/amx% quant/kernels/vector256%
endif

LIBRARY_SOURCES := $(filter-out $(FOREIGN_KERNELS),$(wildcard cli/*.cpp engine/*.cpp engine/arch/*.cpp quant/*.cpp \
                     quant/kernels/*.cpp tokenizer/*.cpp tokenizer/template/*.cpp))
# Files in tests/support named make_*.cpp are small programs of their own.
TOOL_SOURCES    := $(wildcard tests/support/make_*.cpp)
SUPPORT_SOURCES := $(filter-out $(TOOL_SOURCES),$(wildcard tests/support/*.cpp))
TEST_SOURCES    := tests/main.cpp $(SUPPORT_SOURCES) $(wildcard tests/*/*_test.cpp tests/*/*/*_test.cpp)
HEADERS         := $(filter-out $(FOREIGN_KERNELS),$(wildcard cli/*.h engine/*.h engine/arch/*.h quant/*.h \
                     quant/kernels/*.h tokenizer/*.h tokenizer/template/*.h tests/support/*.h))

LIBRARY_OBJECTS := $(LIBRARY_SOURCES:%.cpp=$(BUILD)/%.o)
MAIN_OBJECT     := $(BUILD)/main.o
TEST_OBJECTS    := $(TEST_SOURCES:%.cpp=$(BUILD)/%.o)
SUPPORT_OBJECTS := $(SUPPORT_SOURCES:%.cpp=$(BUILD)/%.o)
TOOLS           := $(TOOL_SOURCES:tests/support/%.cpp=$(BUILD)/%)

# ---- where the libraries are ---------------------------------------------------------------------------------------
# scripts/setup.sh unpacks packages into build/deps when it may not install them. -isystem keeps warnings to our code.
DEPS   := build/deps/usr
BREW   := $(if $(filter Darwin,$(SYSTEM_NAME)),$(firstword $(HOMEBREW_PREFIX) $(shell brew --prefix 2>/dev/null) /opt/homebrew))
EIGEN  := $(firstword $(wildcard $(DEPS)/include/eigen3 $(BREW:%=%/include/eigen3) /usr/include/eigen3 /usr/local/include/eigen3) \
            $(patsubst -I%,%,$(filter -I%,$(shell pkg-config --cflags-only-I eigen3 2>/dev/null))))
SYSTEM := $(if $(wildcard $(DEPS)/include),-isystem $(DEPS)/include)$(BREW:%= -isystem %/include) $(if $(EIGEN),-isystem $(EIGEN))
LIBDIR := $(if $(wildcard $(DEPS)/lib),-L$(DEPS)/lib -L$(DEPS)/lib/$(MACHINE)-linux-gnu)
UTF8PROC ?= $(if $(BREW),$(BREW)/lib/libutf8proc.a,-l:libutf8proc.a)
# Catch2 v3 is a library, v2 headers only; tests/support/catch.h hides the rest of the difference.
CATCH  := $(if $(wildcard $(addsuffix /catch2/catch_all.hpp,$(DEPS)/include $(BREW:%=%/include) /usr/include /usr/local/include)),$(BREW:%=-L%/lib) -lCatch2)

# ---- flags ---------------------------------------------------------------------------------------------------------
# No global -march: everything but the ISA files below runs on any CPU of the machine's baseline.
# -ffp-contract=off: whether a*b+c is fused must not depend on how a compiler unrolled a loop; kernels say FMA by name.
# -fno-trapping-math: nobody reads the exception flags, and loops with a comparison become vector code; no value changes.
WARNINGS := -Wall -Wextra -Wconversion -Wsign-conversion -Werror
COMMON   := -std=c++20 -g1 -fPIE -pthread -ffp-contract=off -fno-trapping-math $(WARNINGS) -I. $(SYSTEM) -MMD -MP
OPT      := -O2 -DNDEBUG
# Nothing in cli/ is hot, and much of it is templates.
CLI_OPT  := -O1 -DNDEBUG
TEST_OPT := -Og
LINK_STATIC  := -static -static-libgcc -static-libstdc++
LINK_DYNAMIC := -pie
# Function names stay, for perf; distill-dynamic keeps the lines as well.
STRIP := -Wl,--strip-debug
# In a static binary the thread functions of an older glibc are weak: without the whole library std::thread would call null.
THREADS_STATIC := -Wl,--whole-archive -lpthread -Wl,--no-whole-archive

# Apple's systems link no program statically against their own library, and their linker has options of its own. Written
# without such a system at hand, and not tried (docs/ARM.md).
ifeq ($(SYSTEM_NAME),Darwin)
LINK_STATIC    :=
LINK_DYNAMIC   :=
STRIP          := -Wl,-S
THREADS_STATIC :=
endif

ifeq ($(VARIANT),asan)
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -D_GLIBCXX_ASSERTIONS
LINK_STATIC := $(LINK_DYNAMIC)
else ifeq ($(VARIANT),aarch64)
# Where scripts/setup.sh unpacks ARM's libraries: apart, because their folder is no concern of other builds.
LIBDIR += -Lbuild/deps-aarch64/usr/lib/aarch64-linux-gnu
# Another machine's libraries are not where the dynamic linker looks: the tests are one static binary as well.
LINK_DYNAMIC := $(LINK_STATIC)
else ifeq ($(VARIANT),tsan)
SANITIZE := -fsanitize=thread -fno-omit-frame-pointer
LINK_STATIC := $(LINK_DYNAMIC)
endif
ifneq ($(SANITIZE),)
# A third less time to compile than -O1, for tests that take as long.
OPT      := -Og
CLI_OPT  := $(OPT)
# Instrumented copies of std::variant look uninitialised to GCC 12.
COMMON += -Wno-maybe-uninitialized
STRIP :=
THREADS_STATIC :=
endif

# Per-ISA flags, one line a file. Only these files may use the instructions (scripts/check_isa_leaks.sh watches).
AVX2_FLAGS := -mavx2 -mfma -mf16c
AVX512_FLAGS    := $(AVX2_FLAGS) -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni
AMX_FLAGS       := $(AVX512_FLAGS) -mavx512vbmi -mgfni
$(BUILD)/quant/kernels/scalar.o:       private ISA := -O1 -fno-exceptions
$(BUILD)/quant/kernels/avx2.o:         private ISA := -O2 -fno-exceptions $(AVX2_FLAGS)
$(BUILD)/quant/kernels/avxvnni.o:      private ISA := -O2 -fno-exceptions $(AVX2_FLAGS) -mavxvnni
$(BUILD)/quant/kernels/amx.o:          private ISA := -O2 -fno-exceptions $(AMX_FLAGS)
$(BUILD)/quant/kernels/avx512vnni.o:   private ISA := -O2 -fno-exceptions $(AVX512_FLAGS)
# Moving instructions about before registers are given out costs these more spills than it hides waits; the unpacking
# of scales is worth vector code even where it has to check first that its arrays do not overlap.
NEON_FLAGS := -O2 -fno-exceptions $(if $(findstring clang,$(shell $(CXX) --version 2>/dev/null)),,-fno-schedule-insns -frename-registers -fvect-cost-model=dynamic)
$(BUILD)/quant/kernels/neon.o:         private ISA := $(NEON_FLAGS)
$(BUILD)/quant/kernels/neon_dotprod.o: private ISA := $(NEON_FLAGS) -march=armv8.2-a+dotprod+fp16
$(BUILD)/quant/kernels/neon_i8mm.o:    private ISA := $(NEON_FLAGS) -march=armv8.2-a+dotprod+i8mm+fp16

# A header that holds intrinsics compiles alone only with their flags; without -O some intrinsics are macros, which
# -Wsign-conversion looks into.
build/headers/quant/kernels/vector256.h.ok: ISA := $(AVX2_FLAGS)
build/headers/quant/kernels/avx2%.h.ok: ISA := $(AVX2_FLAGS)
build/headers/quant/kernels/avx512%.h.ok: ISA := -O1 $(AVX512_FLAGS)
build/headers/quant/kernels/amx%.h.ok: ISA := -O1 $(AMX_FLAGS)

# What sanitizers do not examine is taken from the release build. The vector kernels: instrumented, one such file takes a
# quarter of an hour and gigabytes; tests/quant/kernels holds them to guard pages instead. And files that are all but
# another project's code: fmt, CLI11, Catch2. They come last, so that of the functions that many files have a copy of, the
# linker keeps an examined one.
KERNEL_FILES  := scalar avx2 avxvnni avx512vnni amx neon neon_dotprod neon_i8mm neon_float
PLAIN_FILES   := $(KERNEL_FILES:%=quant/kernels/%) engine/fmt cli/flags tests/main
PLAIN_OBJECTS := $(filter $(PLAIN_FILES:%=build/release/%.o),$(LIBRARY_SOURCES:%.cpp=build/release/%.o))
PLAIN_MAIN    := build/release/tests/main.o
ifneq ($(SANITIZE),)
LIBRARY_OBJECTS := $(filter-out $(PLAIN_FILES:%=$(BUILD)/%.o),$(LIBRARY_OBJECTS)) $(PLAIN_OBJECTS)
TEST_OBJECTS    := $(filter-out $(BUILD)/tests/main.o,$(TEST_OBJECTS))
TEST_MAIN       := $(PLAIN_MAIN)
endif

# Linked into the program by .incbin, which -MMD does not see.
$(BUILD)/cli/builtin_model.o: models/demo-Q4_K_M.gguf

COMPILE = $(CXX) $(COMMON) $(OPT) $(SANITIZE) $(ISA) $(CXXFLAGS)
# The flags of the last build; objects depend on it, so another compiler or flag rebuilds them.
FLAGS_STAMP := $(BUILD)/flags

# ---- public targets ------------------------------------------------------------------------------------------------
.DEFAULT_GOAL := distill
.PHONY: install uninstall distill distill-dynamic run test asan tsan aarch64 test-aarch64 check-aarch64 check-arm-targets bench check-headers check-isa-leaks format clean help setup FORCE
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:

# The compiler for `make aarch64`: the machine's own on ARM.
AARCH64_CXX ?= $(if $(filter aarch64 arm64,$(shell uname -m)),$(CXX),aarch64-linux-gnu-g++)
AARCH64_MAKE = $(SUB_MAKE) VARIANT=aarch64 CXX="$(AARCH64_CXX)"

# Links the finished binary to the root of the tree (a copy where links do not work).
PLACE = @ln -f $(1) $(2) 2>/dev/null || cp -f $(1) $(2)

distill: setup  ## build ./distill, one static binary
	$(SUB_MAKE) build/release/distill
	$(call PLACE,build/release/distill,distill)

distill-dynamic: setup  ## the same objects linked dynamically, for valgrind and preload shims
	$(SUB_MAKE) build/release/distill-dynamic
	$(call PLACE,build/release/distill-dynamic,distill-dynamic)

run: setup  ## build and answer one question (MODEL=file.gguf, PROMPT="...")
	$(SUB_MAKE) build/release/distill
	$(call PLACE,build/release/distill,distill)
	@scripts/run_demo.sh "$(MODEL)" "$(PROMPT)"

test: setup  ## build and run all tests (ARGS="[sampler]" picks some)
	$(SUB_MAKE) build/release/distill build/release/tests/all build/release/tools
	$(call PLACE,build/release/distill,distill)
	DISTILL_BIN=build/release/distill build/release/tests/all $(ARGS)

asan: setup  ## all tests under AddressSanitizer and UBSan
	$(SUB_MAKE) $(PLAIN_OBJECTS) $(PLAIN_MAIN)
	$(SUB_MAKE) VARIANT=asan build/asan/distill build/asan/tests/all build/asan/tools
	ASAN_OPTIONS=allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 \
	    DISTILL_BIN=build/asan/distill build/asan/tests/all $(ARGS)

aarch64:  ## build/aarch64/distill, one static binary for 64-bit ARM Linux, by a cross compiler where need be
	@scripts/setup.sh aarch64
	$(AARCH64_MAKE) build/aarch64/distill

# The best tables are neon_i8mm, neon_dotprod and neon; each processor's kernel tests run the lesser ones as well.
AARCH64_CPUS ?= max cortex-a76 cortex-a53
test-aarch64:  ## all tests on ARM, under qemu as three processors, which takes over half an hour (ARGS="[quant]" picks some)
	@scripts/setup.sh test-aarch64
	$(AARCH64_MAKE) build/aarch64/distill build/aarch64/tests/all
	@scripts/test_aarch64.sh $(AARCH64_CPUS)

# [slow]: over two seconds under emulation, but for what says most of ARM: kernels, logits, the forward pass beside one in
# float64.
check-aarch64:  ## the same without tests tagged [slow], minutes instead of half an hour: what .ci/run has time for
	@$(MAKE) --no-print-directory test-aarch64 ARGS='$(ARGS)~[slow]'

# ARM_FILES="neon.cpp" picks one of the three files; all of them take minutes.
ARM_FILES ?=
check-arm-targets:  ## the integer kernels of ARM compile for Apple's and Android's systems, by clang
	@scripts/setup.sh check-arm-targets
	@scripts/check_arm_targets.sh $(ARM_FILES)

tsan: setup  ## all tests under ThreadSanitizer
	$(SUB_MAKE) $(PLAIN_OBJECTS) $(PLAIN_MAIN)
	$(SUB_MAKE) VARIANT=tsan build/tsan/distill build/tsan/tests/all build/tsan/tools
	DISTILL_BIN=build/tsan/distill build/tsan/tests/all $(ARGS)

bench: distill  ## measure MODEL=file.gguf (ARGS="-p 512 -n 64 -r 3")
	@test -n "$(MODEL)" || { echo "usage: make bench MODEL=file.gguf [ARGS=...]" >&2; exit 2; }
	./distill bench -m "$(MODEL)" $(ARGS)

# ---- installing --------------------------------------------------------------------------------------------------
PREFIX  ?= /usr/local
# DESTDIR: what packagers put in front of PREFIX.
INSTALL_ROOT = $(DESTDIR)$(PREFIX)
COMPLETIONS  = $(INSTALL_ROOT)/share/bash-completion/completions/distill \
               $(INSTALL_ROOT)/share/zsh/site-functions/_distill \
               $(INSTALL_ROOT)/share/fish/vendor_completions.d/distill.fish
MANUAL       = $(INSTALL_ROOT)/share/man/man1/distill.1
DOCUMENTS    = $(INSTALL_ROOT)/share/doc/distill

install: distill  ## binary, manual page, completions below PREFIX=/usr/local (DESTDIR= for packages)
	@mkdir -p "$(INSTALL_ROOT)/bin" "$(DOCUMENTS)" $(foreach f,$(MANUAL) $(COMPLETIONS),"$(dir $(f))")
	install -m 755 build/release/distill "$(INSTALL_ROOT)/bin/distill"
	install -m 644 README.md LICENSE "$(DOCUMENTS)"
	./distill man > "$(MANUAL)"
	./distill completion bash > "$(word 1,$(COMPLETIONS))"
	./distill completion zsh > "$(word 2,$(COMPLETIONS))"
	./distill completion fish > "$(word 3,$(COMPLETIONS))"

uninstall:  ## what make install put there
	rm -f "$(INSTALL_ROOT)/bin/distill" $(foreach f,$(MANUAL) $(COMPLETIONS),"$(f)")
	rm -rf "$(DOCUMENTS)"

check-headers: setup  ## every header compiles alone
	$(SUB_MAKE) $(HEADERS:%=build/headers/%.ok)
	@echo "$(words $(HEADERS)) headers compile alone"

check-isa-leaks: distill  ## no ISA file gives the linker a function that other code might use
	scripts/check_isa_leaks.sh build/release

format: ## clang-format over the tree
	clang-format -i main.cpp $(LIBRARY_SOURCES) $(HEADERS) $(TEST_SOURCES) $(TOOL_SOURCES)

clean:  ## remove what was built (packages unpacked in build/deps stay)
	rm -rf build/release build/asan build/tsan build/aarch64 build/headers distill distill-dynamic

help:  ## this list
	@grep -hE '^[a-z0-9-]+:.*##' Makefile | sed -E 's/^([a-z0-9-]+):.*##/  make \1 -/'

setup:
	@scripts/setup.sh

# ---- rules ---------------------------------------------------------------------------------------------------------
$(BUILD)/distill: $(MAIN_OBJECT) $(LIBRARY_OBJECTS)
	@echo "link  $@"
	$(Q)$(CXX) $(SANITIZE) $(LINK_STATIC) $(STRIP) -pthread -o $@ $^ $(LIBDIR) $(UTF8PROC) $(THREADS_STATIC) $(LDFLAGS)

$(BUILD)/distill-dynamic: $(MAIN_OBJECT) $(LIBRARY_OBJECTS)
	@echo "link  $@"
	$(Q)$(CXX) $(LINK_DYNAMIC) -pthread -o $@ $^ $(LIBDIR) $(UTF8PROC) $(LDFLAGS)

$(BUILD)/tests/all: $(TEST_OBJECTS) $(LIBRARY_OBJECTS) $(TEST_MAIN)
	@echo "link  $@"
	$(Q)$(CXX) $(SANITIZE) $(LINK_DYNAMIC) -pthread -o $@ $^ $(LIBDIR) $(UTF8PROC) $(CATCH) $(LDFLAGS)

.PHONY: $(BUILD)/tools
$(BUILD)/tools: $(TOOLS)
$(BUILD)/make_%: $(BUILD)/tests/support/make_%.o $(SUPPORT_OBJECTS) $(LIBRARY_OBJECTS)
	@echo "link  $@"
	$(Q)$(CXX) $(SANITIZE) $(LINK_DYNAMIC) -pthread -o $@ $^ $(LIBDIR) $(UTF8PROC) $(CATCH) $(LDFLAGS)

$(BUILD)/cli/%.o: private OPT := $(CLI_OPT)
$(BUILD)/tests/%.o: private OPT := $(TEST_OPT)
$(BUILD)/%.o: %.cpp $(FLAGS_STAMP)
	@mkdir -p $(@D)
	@echo "$(CXX)   $<"
	$(Q)$(COMPILE) -c -o $@ $<

$(FLAGS_STAMP): FORCE
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(COMPILE) $(CLI_OPT) $(TEST_OPT))' | cmp -s - $@ || echo '$(subst ','\'',$(COMPILE) $(CLI_OPT) $(TEST_OPT))' > $@

# By #include, so that `#pragma once` stands in a header; ISA headers may ask for their instruction set.
build/headers/%.ok: % FORCE
	@mkdir -p $(@D)
	$(Q)echo '#include "$<"' | $(CXX) $(filter-out -MMD -MP,$(COMMON)) $(ISA) -fsyntax-only -x c++ - && touch $@

-include $(LIBRARY_OBJECTS:.o=.d) $(MAIN_OBJECT:.o=.d) $(TEST_OBJECTS:.o=.d) $(TOOLS:$(BUILD)/%=$(BUILD)/tests/support/%.d)
