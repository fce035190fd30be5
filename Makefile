# wamux: `make` builds, `make help` lists the rest. Only Go, git and make are needed.
GO      ?= go
BIN     ?= wamux
FUZZTIME ?= 30s
TARGETS := linux/amd64 linux/arm64 linux/arm/6 linux/arm/7 windows/amd64 windows/arm64 darwin/arm64
# The race detector needs cgo and a C compiler; without one the tests run plain.
RACE    := $(shell command -v $$($(GO) env CC) >/dev/null 2>&1 && test "$$($(GO) env CGO_ENABLED)" = 1 && echo -race)
# What it does not watch: arithmetic that shares nothing (SQLite as translated from C, whose connections are each one
# goroutine's; curves, ciphers, codecs), which would take half of all the time. What is known of whatsmeow is in .ci/races.
ALONE   := modernc.org/libc/... modernc.org/memory/... modernc.org/sqlite/lib filippo.io/edwards25519/... golang.org/x/crypto/... \
  crypto/internal/fips140/edwards25519/... go.mau.fi/libsignal/ecc/... github.com/HugoSmits86/nativewebp/... github.com/pion/opus/... \
  golang.org/x/image/... image/...
export GORACE := suppressions=$(CURDIR)/.ci/races
TEST    := $(GO) test $(RACE) $(if $(RACE),$(ALONE:%=-gcflags=%=-race=false)) -shuffle=on -count=1

.PHONY: $(BIN) run test check vet lint cross bench soak soak-day soak-clock test-sandbox test-baileys test-systemd test-windows test-dist fuzz dist help clean

$(BIN): ## build ./wamux
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN) .

run: $(BIN) ## start the gateway with a simulated WhatsApp: no phone needed
	./$(BIN) run --sandbox

test: vet ## every test that CI runs
	$(TEST) -timeout 20m ./svc ./svc/session ./store ./svc/sandbox ./... # the long ones first
	$(GO) test -C .ci/release -shuffle=on -count=1 .

check: vet lint cross test ## everything: vet for three systems, staticcheck, all targets, tests

vet:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not gofmt'd:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) vet -C .ci/release .

lint: ## staticcheck, and vet as Windows and macOS see the code
	$(GO) tool staticcheck ./...
	tool=$$($(GO) tool -n staticcheck) && cd .ci/release && $$tool .
	GOOS=windows GOARCH=amd64 $(GO) vet ./...
	GOOS=darwin GOARCH=arm64 $(GO) vet ./...

# Only what people download most is compiled as for a release. The others are compiled as vet compiles, so that
# nothing is compiled twice: a target costs one to two minutes of a CPU when nothing of it is there yet.
cross: ## build for every target without cgo; the Linux binary stays under 25 MB
	@out=$$(mktemp) && trap 'rm -f $$out' EXIT; for t in $(TARGETS); do set -- $$(echo $$t | tr / ' '); \
	  trim=; test $$t = linux/amd64 && trim=-trimpath; \
	  CGO_ENABLED=0 GOOS=$$1 GOARCH=$$2 GOARM=$$3 $(GO) build $$trim -ldflags '-s -w' -o $$out . || exit 1; \
	  size=$$(wc -c < $$out); echo "$$t $$size bytes"; \
	  if [ $$1 = linux ] && [ $$size -ge 25000000 ]; then echo "over 25 MB"; exit 1; fi; done

bench: ## benchmarks, and the load driver: wamux beside bare whatsmeow
	$(GO) test -run '^$$' -bench . -benchmem ./store/... ./svc/session ./svc/sandbox
	$(GO) test -run '^$$' -bench 'Load|Appliance' -benchtime 1x -timeout 2h ./svc

soak: ## the long tests: duplex, kills, power cuts, backups, restores, failing handlers, damage, each fuzz target for 10 minutes
	WAMUX_ROUNDS=100 $(TEST) -timeout 6h -run '^TestDuplex$$' -v ./svc
	WAMUX_ROUNDS=500 $(TEST) -timeout 6h -run '^TestKill$$' -v ./svc
	WAMUX_ROUNDS=2000 $(TEST) -timeout 12h -run '^TestKillMany$$' -v ./svc
	WAMUX_ROUNDS=5000 $(TEST) -timeout 6h -run '^TestPowerCut$$' -v ./store
	WAMUX_ROUNDS=500 $(TEST) -timeout 6h -run '^TestRecoverLosesOnlyDamagedPages$$' -v ./store
	WAMUX_ROUNDS=20000 $(TEST) -timeout 6h -run '^TestRatchet$$' -v ./svc/session
	WAMUX_ROUNDS=100000 $(TEST) -timeout 6h -run '^TestHandlerFaults$$' -v ./svc/session
	WAMUX_ROUNDS=100 $(TEST) -timeout 6h -run '^TestBackupsUnderLoad$$' -v ./svc
	WAMUX_ROUNDS=50 $(TEST) -timeout 6h -run '^TestRestores$$' -v ./svc
	$(MAKE) fuzz FUZZTIME=10m
	WAMUX_ROUNDS=100 $(TEST) -timeout 6h -run '^TestSealKill$$' -v ./svc

soak-day: ## 24 hours of traffic with a network that flaps: memory, descriptors, goroutines
	WAMUX_MINUTES=1440 $(TEST) -timeout 25h -run '^TestEndurance$$' -v ./svc

soak-clock: ## the same for 20 minutes while the clock jumps, in a machine of its own (needs root, debootstrap, user-mode-linux)
	bash .ci/clock

test-sandbox: ## whatsmeow's own client against the simulated WhatsApp; an unknown stanza fails it
	$(TEST) -v ./svc/sandbox/...

test-baileys: ## an unmodified Baileys talks with a session (installs it; needs node and npm)
	bash .ci/baileys

test-windows: ## the service on Windows, as far as Wine shows it (needs root, debootstrap)
	bash .ci/windows

test-systemd: ## the service in a Debian of its own that boots (needs root, debootstrap, systemd-nspawn)
	bash .ci/systemd

# Each package is built once with the fuzzer's instruments, then runs its targets one after the other.
fuzz: ## each fuzz target for FUZZTIME (30s, or 1000x for a count), 30 seconds when it is not set
	@bin=$$(mktemp) && trap 'rm -f $$bin' EXIT; cache=$$($(GO) env GOCACHE)/fuzz; \
	for d in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n 1 dirname | sort -u); do \
	  $(GO) test -c -fuzz . -o $$bin $$d || exit 1; \
	  for f in $$(grep -oh '^func Fuzz[A-Za-z0-9]*' $$d/*_test.go | cut -d ' ' -f 2); do echo "$$d $$f"; \
	    (cd $$d && $$bin -test.run '^$$' -test.fuzz "^$$f$$" -test.fuzztime $(FUZZTIME) -test.fuzzcachedir "$$cache/$$($(GO) list .)") || exit 1; done; done

# RELEASE=-help tells what the program can be told.
dist: ## a release in dist/: binaries, archives, .deb, .rpm, SBOMs, an image, checksums
	$(GO) run -C .ci/release . $(RELEASE)

test-dist: ## releases are the same each time, install, run and go away (root on Debian, half an hour)
	bash .ci/dist-test

help: ## this list
	@awk -F ':.*## ' '/^[$$()a-zA-Z]+:.*## /{printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST) | sed 's/\$$(BIN)/      /'

clean:
	rm -rf $(BIN) dist
