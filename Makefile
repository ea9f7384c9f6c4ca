# antevox: `make run` starts the hotline, `make test` checks everything. Both install what a fresh Debian 12 lacks.

ANTEVOX := target/release/antevox
# What the tests build; `cargo run` would build what uses tokio once more, without what only tests use of it.
TESTED = $${CARGO_TARGET_DIR:-target}/debug/antevox
# Where set-up puts Rust if there was none.
export PATH := $(HOME)/.cargo/bin:$(PATH)

.PHONY: help run test setup setup-test setup-interop setup-fuzz build models demo bench engines interop fuzz

help: ## these lines
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

run: build models ## everything a fresh machine needs, then the server
	$(ANTEVOX) serve

test: setup-test ## everything a fresh machine needs, then all checks and tests
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings
	cargo clippy --lib --features vosk,whisper --locked -- -D warnings
	cargo test --locked --no-run
	$(TESTED) models get en-us-8k
	$(TESTED) models get en-us-16k
	$(TESTED) models get minilm || echo "going on without it: its tests are skipped"
	cargo test --locked --no-fail-fast
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --quiet
	cargo deny --log-level error check bans licenses sources

setup: ## install only
	@.ci/setup

setup-test:
	@.ci/setup test

setup-interop:
	@.ci/setup interop

setup-fuzz:
	@.ci/setup fuzz

build: setup
	cargo build --release --locked

models: build
	$(ANTEVOX) models get en-us-8k
	$(ANTEVOX) models get en-us-16k
	$(ANTEVOX) models get minilm || echo "going on without it: sentences are understood by words alone"

demo: build models ## three spoken calls, shown live
	$(ANTEVOX) demo

bench: build models ## figures and plots, into target/bench
	benches/duplex_manifest
	$(ANTEVOX) duplex target/bench/duplex/manifest.jsonl --plots target/bench
	benches/dialog
	benches/understanding
	benches/speech
	benches/run
	benches/media

engines: setup-test ## the engines that are features of the build, with models that the tests make
	cargo run --quiet --locked -- models get libvosk
	cargo run --quiet --locked -- models get en-us-8k
	cargo test --locked --features vosk,whisper --test every_engine_hears --test a_call_with_every_engine

interop: setup-interop build models ## other people's telephones call; who could do what
	benches/interop

fuzz: setup-fuzz ## a minute of nonsense for everything that reads what others send
	benches/fuzz
