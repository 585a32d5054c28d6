# make help lists the targets. Everything is written to build/.

SHELL := /bin/bash
GO ?= go

# How long every fuzz target runs.
FUZZTIME ?= 10s

# Pinned, and fetched through the module proxy when first used.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.7.0

LDFLAGS := -s -w
STATIC := CGO_ENABLED=0 $(GO) build -trimpath
STRIPPED := $(STATIC) -ldflags '$(LDFLAGS)'

# Routers have little flash: without inlining the program is a tenth smaller. What a
# message passes on its way is inlined where there is room (docs/decisions/024).
SMALL := $(STRIPPED) -gcflags=all=-l
ON_THE_WAY := meshbridge/... runtime runtime/... internal/... math/bits
ROUTER := $(SMALL) $(ON_THE_WAY:%=-gcflags=%=)

.PHONY: help build test race fuzz lint size bench demo e2e-packages clean
.DEFAULT_GOAL := build

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1|/' | awk -F'|' '{printf "  %-14s %s\n", $$1, $$2}'

build: ## the program, static, as build/meshbridge
	$(STATIC) -o build/meshbridge ./cmd/bridge

test: e2e-packages format vet ## everything that must hold: format, vet, all tests with the race detector
	@.ci/gotest -race -shuffle=on -count=1 -timeout 20m

race: ## all tests with the race detector, and nothing else
	$(GO) test -race -shuffle=on -count=1 -timeout 20m ./...

.PHONY: format vet
format:
	@bad=$$(gofmt -s -l $$(find . -name '*.go' -not -path './build/*')); \
	if [ -n "$$bad" ]; then echo "gofmt -s -w these:"; echo "$$bad"; exit 1; fi

vet:
	$(GO) vet ./...
	GOOS=darwin GOARCH=amd64 CGO_ENABLED=0 $(GO) vet ./...
	GOOS=darwin GOARCH=arm64 CGO_ENABLED=0 $(GO) vet ./...
	GOOS=freebsd GOARCH=amd64 CGO_ENABLED=0 $(GO) vet ./...

lint: format vet ## format, vet and staticcheck; in CI (CI=true) it must be there
	@if $(GO) run $(STATICCHECK) -version >/dev/null 2>&1; then \
		echo "staticcheck ./..."; $(GO) run $(STATICCHECK) ./...; \
	else echo "*** NO STATICCHECK: $(STATICCHECK) cannot be fetched or built here" >&2; \
		if [ "$$CI" = true ]; then exit 1; fi; fi

fuzz: ## every fuzz target for FUZZTIME (10s)
	@set -e; grep -rlE --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | while read -r dir; do \
		grep -hoE '^func Fuzz[A-Za-z0-9_]*' "$$dir"/*_test.go | sed 's/^func //' | sort | while read -r target; do \
			echo "$$dir $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$dir"; \
		done; \
	done

bench: ## all benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

size: ## stripped binaries for routers, held to their budgets (KiB)
	@mkdir -p build/size
	@GOARCH=arm64 $(ROUTER) -o build/size/arm64 ./cmd/bridge
	@GOARCH=arm GOARM=7 $(ROUTER) -o build/size/armv7 ./cmd/bridge
	@GOARCH=mipsle GOMIPS=softfloat $(SMALL) -o build/size/mipsle ./cmd/bridge
	@GOARCH=amd64 $(STRIPPED) -o build/size/amd64 ./cmd/bridge
	@over=0; for row in arm64:9216 armv7: mipsle:10240 amd64:; do \
		arch=$${row%%:*}; budget=$${row#*:}; \
		kib=$$(( ($$(stat -c %s build/size/$$arch) + 1023) / 1024 )); \
		printf '%-8s %6d KiB' "$$arch" "$$kib"; \
		if [ -n "$$budget" ]; then printf '  of %6d' "$$budget"; \
			if [ "$$kib" -gt "$$budget" ]; then printf '  OVER BUDGET'; over=1; fi; fi; \
		echo; \
	done; exit $$over

.PHONY: crash crash-table
# How often everything is broken. What build/crash.jsonl has already is not done again.
CRASH_RUNS ?= 100
# Much of it is waiting: so many offices of each server are at it at once.
CRASH_OFFICES ?= 4

crash: ## the crash table: CRASH_RUNS (100) runs of each row, resumable, into docs/crash-table.md (as root)
	@mkdir -p build
	CRASH_RUNS=$(CRASH_RUNS) CRASH_OFFICES=$(CRASH_OFFICES) CRASH_RESULTS=$(CURDIR)/build/crash.jsonl \
		$(GO) test -count=1 -timeout 24h -parallel $$((2 * $(CRASH_OFFICES))) -v -run '^TestCrash$$' ./e2e >build/crash.log 2>&1; status=$$?; \
		grep -E 'MEASURED|^ +crash|^(---|FAIL|ok)' build/crash.log | tail -n 40; \
		$(MAKE) --no-print-directory crash-table; exit $$status

crash-table: # docs/crash-table.md from the results that are there
	CRASH_RESULTS=$(CURDIR)/build/crash.jsonl CRASH_TABLE=$(CURDIR)/docs/crash-table.md \
		$(GO) test -count=1 -run '^TestCrashTable$$' ./e2e

.PHONY: growth
growth: ## what large offices cost, into docs/scale.md
	GROWTH_TABLE=$(CURDIR)/docs/scale.md $(GO) test -count=1 -timeout 10m -run '^TestGrowth$$' ./bridge

demo: ## two people chat through the bridge, without a server
	@$(GO) run ./cmd/bridge demo

e2e-packages: ## install the Debian packages that the office tests need (as root)
	@.ci/packages

clean: ## remove build/
	rm -rf build
