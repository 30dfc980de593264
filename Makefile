# Cutover: `make help` lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# One's own Envoy instead of the pinned one: make run ENVOY=/usr/local/bin/envoy
ifdef ENVOY
export ENVOY := $(abspath $(ENVOY))
endif
MODULE := target/wasm32-wasip1/wasm/cutover_filters.wasm
NODE_GATEWAY := tests/node-gateway

##@ The product
.PHONY: run
run: setup wasm build ## start the demo (upstreams, Node gateway, control plane, Envoy); Ctrl-C stops all of it
	@exec target/release/cutover-demo

.PHONY: test
test: setup wasm ## every test: Node gateway, Rust crates, end to end with a real Envoy
	cd $(NODE_GATEWAY) && npm test --silent
	cargo build --locked --workspace --exclude cutover-filters --bins
	@if command -v cargo-nextest >/dev/null; then \
	  cargo nextest run --locked --no-fail-fast; \
	else \
	  cargo test --locked --no-fail-fast; \
	fi

.PHONY: conformance
conformance: needs-rust needs-node ## the official JSON Schema Test Suite, natively and as Wasm, with counts
	@tests/conformance/fetch
	cargo build --locked -p cutover-conformance --bin conformance
	@filters/build validate
	@target/debug/conformance .tools/json-schema-test-suite target/wasm32-wasip1/wasm/validate.wasm

.PHONY: hostile
hostile: needs-rust envoy-binary wasm ## 100,000 requests that the auth filter must refuse (HOSTILE_SEED=n draws the same mutations)
	@HOSTILE_REQUESTS=$${HOSTILE_REQUESTS:-100000} HOSTILE_SEED=$${HOSTILE_SEED:-$$RANDOM} \
	  cargo test --locked -p cutover-e2e --test auth_hostile -- --nocapture

.PHONY: test-matrix
test-matrix: setup wasm ## the auth filter's tests on every Envoy of envoy/versions.txt, with a closing table
	@tests/e2e/matrix

.PHONY: build
build: needs-rust ## the release binaries, target/release/cutover first of all
	cargo build --locked --release -p cutover -p cutover-upstreams -p cutover-e2e

.PHONY: wasm
wasm: needs-rust ## the filters as one Wasm module, with its size
	@filters/build

##@ Quality
.PHONY: lint
lint: needs-rust $(NODE_GATEWAY)/node_modules ## formatting, clippy and biome, all as errors
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cd $(NODE_GATEWAY) && npm run --silent lint

.PHONY: format
format: ## put everything in the agreed format
	cargo fmt --all
	cd $(NODE_GATEWAY) && npm run --silent format

.PHONY: audit
audit: ## licences, bans and sources of every dependency (needs cargo-deny)
	@command -v cargo-deny >/dev/null || { echo "audit: cargo-deny is missing: cargo install --locked cargo-deny" >&2; exit 1; }
	cargo deny --locked check bans licenses sources

.PHONY: golden
golden: ## refresh golden files (rendered xDS, CLI output) from what the code makes now
	UPDATE_GOLDEN=1 cargo test --locked -p cutover -p cutover-xds -p cutover-plan -p cutover-compiler

.PHONY: record
record: setup build ## record tests/contract/exchanges.har anew from the Node gateway
	cargo build --locked --release -p cutover-contract
	target/release/cutover-contract record

FUZZ_SECONDS ?= 300

.PHONY: fuzz
fuzz: needs-rust ## random input for the auth filter's parsers, FUZZ_SECONDS (300) each; needs a nightly Rust and cargo-fuzz
	@rustup run nightly cargo --version >/dev/null 2>&1 || { echo "fuzz: a nightly Rust is missing: rustup toolchain install nightly --profile minimal" >&2; exit 1; }
	@cargo +nightly fuzz --version >/dev/null 2>&1 || { echo "fuzz: cargo-fuzz is missing: cargo install --locked cargo-fuzz" >&2; exit 1; }
	cd filters/auth && for target in token jwks config; do \
	  cargo +nightly fuzz run --sanitizer none --target-dir ../../target/fuzz $$target -- \
	    -max_total_time=$(FUZZ_SECONDS) -timeout=5 -max_len=16384; \
	  cargo +nightly fuzz cmin --sanitizer none --target-dir ../../target/fuzz $$target; \
	done

##@ Measurements
.PHONY: bench
bench: bench-start bench-auth bench-validation ## every measurement

.PHONY: bench-start
bench-start: setup wasm build ## cold start and memory, Envoy with the bundle beside the Node gateway
	cargo build --locked --release -p cutover-bench
	@target/release/bench-start

.PHONY: bench-auth
bench-auth: needs-rust envoy-binary wasm ## CPU per request of the auth filter beside Envoy's jwt_authn
	cargo build --locked --release -p cutover-bench
	@target/release/bench-auth

.PHONY: bench-auth-soak
bench-auth-soak: needs-rust envoy-binary wasm ## the auth filter's start, and its memory over a million tokens
	cargo build --locked --release -p cutover-bench
	@target/release/bench-auth-soak

.PHONY: bench-json
bench-json: needs-rust envoy-binary ## ways to read JSON in a filter: size, start and CPU
	@tests/bench/json-readers/build
	cargo build --locked --release -p cutover-bench --bin bench-json
	@target/release/bench-json

.PHONY: bench-validation
bench-validation: setup wasm ## CPU per request of the validation filter beside the Node gateway's validator
	@tests/bench/json-readers/build noop
	cargo build --locked --release -p cutover-bench --bin bench-validation
	@target/release/bench-validation

##@ Set-up (each target above does what it needs by itself)
.PHONY: setup
setup: needs-rust needs-node envoy-binary $(NODE_GATEWAY)/node_modules ## Envoy into .tools/, npm packages of the Node gateway

.PHONY: envoy-binary
envoy-binary:
	@envoy/fetch

$(NODE_GATEWAY)/node_modules: $(NODE_GATEWAY)/package-lock.json | needs-node
	@echo "node: installing the packages of $(NODE_GATEWAY)/package-lock.json (npm ci)"
	@cd $(NODE_GATEWAY) && npm ci --silent --no-audit --no-fund
	@touch $@

.PHONY: needs-rust
needs-rust:
	@command -v cargo >/dev/null || { echo "setup: cargo is missing: install Rust from https://rustup.rs or apt-get install rustup" >&2; exit 1; }
	@command -v cc >/dev/null || { echo "setup: a C compiler is missing: apt-get install gcc libc6-dev" >&2; exit 1; }

.PHONY: needs-node
needs-node:
	@command -v node >/dev/null && command -v npm >/dev/null || { echo "setup: node (20 or newer) and npm are missing: apt-get install nodejs npm" >&2; exit 1; }

.PHONY: clean
clean: ## remove build results and the demo's state; keeps .tools/
	rm -rf target .run

.PHONY: help
help: ## this list
	@awk 'BEGIN {FS = ":.*##"} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*##/ {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
