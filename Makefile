# The developer's verbs over the CMake presets: make check PRESET=asan. SPDX-License-Identifier: Apache-2.0
PRESET ?= release
BUILD := build/$(PRESET)

.PHONY: build configure check format lint bless bench clean
build: configure
	cmake --build --preset $(PRESET)
configure:
	cmake --preset $(PRESET) -DANYWARP_TESTS=ON -DANYWARP_BENCH=ON
check: build
	scripts/run_tests.py $(BUILD)
format:
	scripts/format
lint: configure
	scripts/lint $(BUILD)
bless: build
	ANYWARP_BLESS=1 ctest --test-dir $(BUILD) --output-on-failure
bench: build
	$(BUILD)/bin/anywarp run $(BUILD)/bin/bench
clean:
	rm -rf $(BUILD)
