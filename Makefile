# The ways in. Each target is a few lines of dev/, so that it can be read and run alone.
export SQLX_OFFLINE ?= true

.DEFAULT_GOAL := help
.PHONY: help setup peers demo test check fuzz fuzz-http sqlx check-sqlx bench screenshots interop deny clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## install what is missing, build, run the demo on http://localhost:8080
	@exec dev/demo

test: setup peers check-sqlx ## install what is missing, run every test
	cargo fmt --check
	dev/with-postgres cargo test --locked

# Clippy shares no compiled dependency with the tests (it only checks them), so it is not part of `make test`.
check: ## rustfmt and clippy, warnings are errors
	@dev/setup demo
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings

fuzz-http: setup peers ## let Schemathesis attack the protocol endpoints for ten minutes (AVOUCH_FUZZ_SECONDS)
	AVOUCH_FUZZ_SECONDS=$${AVOUCH_FUZZ_SECONDS:-600} dev/with-postgres cargo test --locked --test suite -- schemathesis

bench: ## install what is missing, print one line per measure
	@dev/setup bench
	cargo bench --locked --bench '*'

fuzz: ## run each fuzz target of the SAML guard for FUZZ_SECONDS (60)
	@dev/setup demo
	@dev/fuzz

setup: ## install the packages that the tests need
	@dev/setup test

peers: setup ## install the identity products that the tests drive
	@dev/peers

sqlx: ## write .sqlx anew, after a change to a query or a migration
	@dev/sqlx

check-sqlx: setup ## is .sqlx current?
	@dev/check-sqlx

screenshots: setup peers ## drive the pages in Chromium, pictures in target/screenshots
	@dev/screenshots

interop: setup ## hand our tokens to Kubernetes', Kafka's and Spring's own validators and Keycloak above us, as far as their registries are reachable
	@tests/interop/run $(VALIDATORS)

deny: ## licences, banned crates, advisories
	@dev/deny

clean: ## remove what was built and installed here; avouch-data stays
	cargo clean
	rm -rf tests/peers/node/node_modules
