# LF: everything a developer does, in one word. `make help` lists it.

GO        ?= go
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS    = -X main.version=$(VERSION)
PREFIX    ?= /usr/local
CONTAINER ?= podman
BENCH     ?= .
BENCHTIME ?= 1s
FUZZTIME  ?= 30s
ONLY      ?= *
LARGE     ?= 20000,100000,1000000,10000000

# Builds, tests and the linter compile each package once, with the same flags.
export GOFLAGS := $(GOFLAGS) -trimpath

# One failing command in a pipe fails the recipe.
SHELL       := bash
.SHELLFLAGS := -euo pipefail -c

# Built on first use (minutes); a module of its own keeps its dependencies out of ours.
LINT = $(GO) tool -modfile=.ci/tools/go.mod golangci-lint

.DEFAULT_GOAL := build
.PHONY: build run test test-all test-short testbed bench bench-large lint fuzz cross wasm dist image image-proxy fmt clean install help

build: ## build bin/lf and bin/lf-testbed (the default)
	$(GO) build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/lf ./cmd/lf-testbed

run: build ## build, then run a node: make run ARGS='--dev'
	bin/lf node $(ARGS)

test: ## the gate's tests, about 5 minutes: Go with the race detector, then the C solver under sanitizers and as AArch64 code (.ci/test says what waits for test-all)
	@GO='$(GO)' .ci/test

test-all: build ## everything, about 30 minutes: all tests with all their cases, what other systems compile, every scenario of the testbed
	@GO='$(GO)' .ci/test all
	@GO='$(GO)' VERSION='$(VERSION)' .ci/cross
	@.ci/testbed bin/lf-testbed '*'

test-short: ## the Go tests that take seconds, without the race detector
	$(GO) test -short ./...

testbed: build ## every scenario of the testbed, which takes a while: ARGS=--netns (as root) with real packets, ONLY='PATTERN...' some of them (those with routers need root in any case)
	@.ci/testbed bin/lf-testbed '$(ONLY)' $(ARGS)

bench: ## every benchmark, one after the other, as one table: BENCH=regexp BENCHTIME=1s
	@$(GO) test -p 1 -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -benchmem -timeout 60m ./... | awk -f .ci/bench.awk

bench-large: ## what a record costs among 20,000 to 10 million, and a node with as many (hours, and 8 GB where TMPDIR says): LARGE=100000,1000000
	@$(GO) test ./node/internal/bench -run '^$$' -bench Large -benchtime 1x -large '$(LARGE)' -timeout 24h | awk -f .ci/bench.awk

lint: ## the linters of .golangci.yml, which also hold the arrows between packages, and the check of our texts
	$(LINT) run ./... ./.ci/prose ./.ci/report ./.ci/typecheck
	$(GO) run ./.ci/prose

fuzz: ## each fuzz target in turn for FUZZTIME (30s); their seeds are part of make test
	@GO='$(GO)' .ci/fuzz $(FUZZTIME)

cross: ## what other systems compile: Linux on AArch64, built and run; macOS, as far as that goes without Apple's tools
	@GO='$(GO)' VERSION='$(VERSION)' .ci/cross

wasm: ## the C code of package pow as WebAssembly, held against its known answers in Node
	@sh pow/ctest/wasm.sh

dist: ## what users download, in dist/: static programs for Linux as tar.gz and .deb, SBOMs, SHA-256 sums (packaging/dist says what it needs)
	@GO='$(GO)' VERSION='$(VERSION)' packaging/dist

image: ## build the container image "lf" from packaging/Containerfile: CONTAINER=docker with docker
	BUILDAH_FORMAT=docker $(CONTAINER) build -f packaging/Containerfile --build-arg 'VERSION=$(VERSION)' -t lf .

image-proxy: ## build the container image "lf-proxy" from the same file
	BUILDAH_FORMAT=docker $(CONTAINER) build -f packaging/Containerfile --target proxy --build-arg 'VERSION=$(VERSION)' -t lf-proxy .

fmt: ## format the Go sources
	gofmt -s -w .

clean: ## remove what was built here
	rm -rf bin dist coverage*
	find . -name '*.test' -o -name '*.prof' | xargs rm -f

install: build ## install bin/lf to PREFIX/bin (/usr/local/bin)
	install -d '$(DESTDIR)$(PREFIX)/bin'
	install -m 755 bin/lf '$(DESTDIR)$(PREFIX)/bin/lf'

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
