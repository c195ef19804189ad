# The same commands for a person and for CI. `make` alone says what there is.

CARGO ?= cargo
CARGO_TARGET_DIR ?= target
TOOLS := $(CARGO_TARGET_DIR)/tools
export TOOLS

.PHONY: help check fmt clippy doc deny-if-here deny test test-all conformance real-apis packages bench bench-map shapes soak

help:
	@echo 'make check      formatting, lints, documentation, dependencies; warnings are errors'
	@echo 'make test       every test that needs the toolchain only'
	@echo 'make test-all   the tests that also need Debian packages (installed first where root or sudo is there)'
	@echo 'make conformance  the simulated Pipedrive against the official documents and client; needs node and npm'
	@echo 'make real-apis  the prober against json-server, Datasette and Kinto; needs node, npm and python3 with venv'
	@echo 'make bench      the benchmarks; BENCH_RECORDS=5000 for a quick look (see benches/whole/main.rs)'
	@echo 'make bench-map  how good proposed mappings are, on labelled fields of other CRMs (benches/map/README.md)'
	@echo 'make shapes     the prober against 300 sources in other shapes; SHAPES=FIRST..LAST chooses the seeds, SHAPE=17 one of them'
	@echo 'make soak       kills with other seeds, and one long rehearsal (SOAK_RECORDS, SOAK_SEED)'
	@echo 'make deny       the dependency check, building cargo-deny first where it is missing'

check: fmt clippy doc deny-if-here

fmt:
	$(CARGO) fmt --check

clippy:
	$(CARGO) clippy --all-targets --locked -- -D warnings

doc:
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --no-deps --locked

deny-if-here:
	@tests/deny.sh --if-here

deny:
	@tests/deny.sh

test:
	$(CARGO) test --locked

packages:
	@tests/packages.sh

test-all: packages
	@tests/all.sh

conformance:
	@tests/conformance/run.sh

real-apis:
	@tests/real_apis/run.sh

bench:
	$(CARGO) bench --locked --bench stages
	$(CARGO) bench --locked --bench pace
	$(CARGO) bench --locked --bench whole

bench-map:
	$(CARGO) bench --locked --bench map

SHAPES ?= 1..301

shapes:
	SHAPES=$(SHAPES) $(CARGO) test --locked --test discover_shapes -- --nocapture

SOAK_RECORDS ?= 200000
SOAK_SEED ?= 1

soak:
	for seed in 2 3 4; do KILL_SEED=$$seed $(CARGO) test --locked --test kill -- --nocapture || exit 1; done
	$(CARGO) run --release --locked -- rehearse --records $(SOAK_RECORDS) --seed $(SOAK_SEED) --json
