# Licensegraph. `make help` lists what there is.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
LINT := $(GO) tool -modfile=tools/go.mod golangci-lint
POSTGRES := scripts/with-postgres.sh
FUZZTIME ?= 10s

# Where git does not speak (no repository, or one of another owner) nothing can be stamped.
ifeq ($(shell git rev-parse --git-dir 2>/dev/null),)
export GOFLAGS += -buildvcs=false
endif

# What runs many goroutines at once. The race detector makes SQLite 24 to 32 times slower, so
# these run with -short, in which the worlds are small.
RACE := ./internal/engine/... ./internal/database/... ./internal/licensing/... ./internal/operation/... ./internal/access/... ./internal/server/... ./graph/...

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-18s %s\n", $$1, $$2}'

.PHONY: build
build: ## build bin/licensegraph
	@mkdir -p bin
	$(GO) build -trimpath -ldflags "-X main.version=$(VERSION)" -o bin/licensegraph ./cmd/licensegraph

.PHONY: run-demo
run-demo: build ## serve a sample organisation from a temporary database
	bin/licensegraph demo

.PHONY: test
test: setup ## run every check: generated files, vet, lint, tests on both databases, race detector, audits
	@$(MAKE) --no-print-directory check-generated
	@$(MAKE) --no-print-directory vet
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory test-go
	@$(MAKE) --no-print-directory test-race
	@$(MAKE) --no-print-directory audits
	@echo "All checks passed."

.PHONY: setup
setup: ## install what the tests need beside Go, where it is missing
	@scripts/setup.sh

.PHONY: test-go
test-go: ## run all tests on both databases (a throwaway PostgreSQL is started)
	$(POSTGRES) $(GO) test -timeout 20m ./...

.PHONY: test-race
test-race: ## run what is concurrent with the race detector
	$(POSTGRES) env CGO_ENABLED=1 $(GO) test -race -short -timeout 20m $(RACE)

.PHONY: audits
audits: build ## check the schema and the running server with the reference implementation
	scripts/audits.sh

.PHONY: vet
vet:
	$(GO) vet ./...
	$(GO) vet -tags soak ./internal/licensing

.PHONY: lint
lint: ## lint
	$(LINT) run --timeout 15m ./...

.PHONY: generate
generate: ## write generated files anew: the storage client, schema.graphql, the API's code
	$(GO) generate ./ent
	$(GO) generate ./graph

.PHONY: check-generated
check-generated: ## fail where generated files are not current
	@scripts/check-generated.sh

.PHONY: migration
migration: ## write the next migration of both databases: make migration NAME=add_something
	@test -n "$(NAME)" || { echo "usage: make migration NAME=add_something" >&2; exit 2; }
	@$(POSTGRES) $(GO) run ./internal/tools/migrate-diff "$(NAME)"

.PHONY: postgres-start
postgres-start: ## run a throwaway PostgreSQL for tests until Ctrl-C, and print its URL
	@$(POSTGRES) sh -c 'echo "export LICENSEGRAPH_TEST_POSTGRES=$$LICENSEGRAPH_TEST_POSTGRES"; while sleep 3600; do :; done'

.PHONY: try-catalogue
try-catalogue: build ## import a catalogue into both databases: make try-catalogue FILE=products.csv [EXCLUSIONS=… DEPENDENCIES=… LOCATIONS=… AUTOMATIC=…]
	@test -n "$(FILE)" || { echo "usage: make try-catalogue FILE=products.csv [EXCLUSIONS=… DEPENDENCIES=… LOCATIONS=… AUTOMATIC=…]" >&2; exit 2; }
	@$(POSTGRES) scripts/try-catalogue.sh "$(FILE)" $(if $(EXCLUSIONS),--exclusions "$(EXCLUSIONS)") \
		$(if $(DEPENDENCIES),--dependencies "$(DEPENDENCIES)") $(if $(LOCATIONS),--locations "$(LOCATIONS)") $(if $(AUTOMATIC),--automatic "$(AUTOMATIC)")

# A history is 100 operations on a tenant of its own (soakHistory).
OPERATIONS ?= 100000
SEED ?=

.PHONY: soak-rules
soak-rules: ## compare the rules with the oracle over OPERATIONS (100000) random operations on each database; SEED= repeats a run
	$(POSTGRES) $(GO) test -tags soak ./internal/licensing -run '^TestSoak' -count 1 -timeout 180m \
		-rapid.checks $$(( ($(OPERATIONS) + 99) / 100 )) -rapid.nofailfile -rapid.shrinktime 60s $(if $(SEED),-rapid.seed $(SEED))

# What the benchmark makes and measures. BENCHFLAGS are further flags of `licensegraph bench`.
USERS ?= 100000
DATABASES ?= postgres sqlite
BENCHOUT ?= .
BENCHFLAGS ?=

.PHONY: bench
bench: build ## measure reads and writes: make bench [USERS=100000] [DATABASES="postgres sqlite"] [BENCHOUT=folder for JSON] [BENCHFLAGS=…]
	@USERS="$(USERS)" DATABASES="$(DATABASES)" BENCHOUT="$(BENCHOUT)" $(POSTGRES) scripts/bench.sh $(BENCHFLAGS)

# What `go test -bench` runs, how often, for how long each time, and where the output goes.
MATCH ?= .
COUNT ?= 6
BENCHTIME ?= 200ms
OUT ?= bin/benchmarks.txt

.PHONY: benchmarks
benchmarks: ## run the benchmarks of single functions, for benchstat: make benchmarks [MATCH=Derive] [COUNT=6] [BENCHTIME=200ms] [OUT=bin/benchmarks.txt]
	@mkdir -p "$(dir $(OUT))"
	@$(POSTGRES) $(GO) test -run '^$$' -bench '$(MATCH)' -short -count $(COUNT) -benchtime $(BENCHTIME) -timeout 60m ./... | grep -v 'no test files' | tee "$(OUT)"

.PHONY: fuzz-short
fuzz-short: ## run every fuzz test for FUZZTIME (10s) each
	@$(GO) list -f '{{.ImportPath}} {{.Dir}}' ./... | while read -r package dir; do \
		files=$$(ls "$$dir"/*_test.go 2>/dev/null || true); \
		[ -z "$$files" ] && continue; \
		for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$files); do \
			echo "== $$package $$name"; \
			$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$package"; \
		done; \
	done

.PHONY: clean
clean: ## remove what was built
	rm -rf bin tools/node/node_modules
