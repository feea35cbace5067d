# The commands of this repository, a line or two each. `make help` lists them.
PROFILE ?= quick
SERVERS ?=
BINDINGS = -DCHINWAG_PYTHON=ON -DPython_EXECUTABLE=$(CURDIR)/.venv/bin/python \
  -DCHINWAG_NODE=$(if $(wildcard node_modules/node-addon-api),ON,OFF)
export PATH := $(CURDIR)/.toolchain/bin:$(CURDIR)/.venv/bin:$(PATH)
.DEFAULT_GOAL := help
.PHONY: help setup native everything matrix test packages lint bench notebooks sanitize fuzz attack \
  clean

help: ## what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what is missing: packages, toolchains, libraries (asks nothing, repeats in seconds)
	@bash scripts/setup/main.sh

native: setup ## chinwagd, the load generator, and what measures the kernel alone
	@cmake --preset release --log-level=WARNING $(BINDINGS)
	@cmake --build --preset release --target chinwagd chinwag-load chinwag-floor \
	  chinwag-fan-out

everything: native ## also the Python module, the Node.js addon, tests and micro-benchmarks
	@cmake --build --preset release

matrix: native ## build, verify, measure and judge every server: PROFILE=smoke|quick|full SERVERS=a,b
	@chinwag matrix --profile $(PROFILE) $(if $(SERVERS),--servers $(SERVERS))

test: everything ## everything that can be proven, with real servers of all languages
	@bash tests/run.sh

packages: setup ## what users install, for machines like this one: a wheel and an npm package in dist/
	@cmake --preset release --log-level=WARNING $(BINDINGS)
	@cmake --build --preset release --target chinwag_node && bash scripts/packages.sh

lint: setup ## formatters, linters, types, tidy
	@bash tests/lint.sh

bench: everything ## micro-benchmarks of the core
	@build/release/bench/micro/core_bench

notebooks: native ## execute the notebooks on the newest results
	@cmake --build --preset release --target chinwag_python \
	  $(if $(wildcard node_modules/node-addon-api),chinwag_node)
	@python -m chinwag_bench.notebooks

sanitize: setup ## the C++ tests under ASan+UBSan, then under TSan
	@bash tests/sanitize.sh

simulate: setup ## a shard on a simulated kernel, for SECONDS (120) from SEED (now) on, or SEEDS=1..1000
	@cmake --preset release --log-level=WARNING
	@cmake --build --preset release --target chinwag_simulation
	@build/release/tests/simulation/chinwag_simulation $(if $(SEEDS),--seeds $(SEEDS),\
	  --seconds $(or $(SECONDS),120) --seed $(or $(SEED),$$(date +%s)))

fuzz: setup ## every fuzz target for SECONDS (60) each; needs clang (tests/fuzz/README.md)
	@command -v clang++ >/dev/null || { echo "make fuzz: clang++ is missing; on Debian 12:" \
	  "sudo apt-get install -y clang libclang-rt-dev (tests/fuzz/README.md)" >&2; exit 2; }
	@cmake -S . -B build/fuzz -G Ninja --log-level=WARNING -DCMAKE_BUILD_TYPE=RelWithDebInfo \
	  -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
	  -DCHINWAG_FUZZ=ON -DCHINWAG_TESTS=OFF -DCHINWAG_BENCH=OFF
	@cmake --build build/fuzz --target fuzz_targets
	@sh tests/fuzz/run.sh build/fuzz $(or $(SECONDS),60)

attack: native ## what a bystander notices of each class of attack: CLASSES=a,b SECONDS=10 (docs/attacks.md)
	@cd tests && python -m attack $(if $(CLASSES),--classes $(CLASSES)) \
	  $(if $(SECONDS),--seconds $(SECONDS))

clean: ## remove what was built; .venv and .toolchain stay
	@rm -rf build dist
