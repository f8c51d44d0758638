# Every target has one line of help; `make` prints them. Interfaces: README.md.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
# Another Salt than the pinned one, in a venv of its own: `make check SALT=3008.3` (docs/salt-versions.md).
SALT ?=
VENV := .venv$(SALT:%=-%)
BIN := $(VENV)/bin
# Python keeps what it compiled, also where a machine's environment asks it not to.
unexport PYTHONDONTWRITEBYTECODE
# How many tests run at a time. Each worker that boots hosts has a lab of its own, and waits for them more than it computes.
check: WORKERS ?= 6
test soak: WORKERS ?= 5

.PHONY: help setup check test standin trial trial-host trial-browser trial-down

help: ## Print this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/ready ## Create .venv with the pinned dependencies; nothing else on the machine changes

# Each package is checked by its hash, also what Salt and rpm-vercmp are built with. Only another Salt than the pinned one has none here.
PIP_INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check
$(VENV)/ready: requirements.txt etc/venv/requirements.lock etc/venv/build.lock etc/venv/started_elsewhere.py etc/venv/checkout_configuration.py
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "Python 3.10 or newer is needed (found: $$(python3 -V 2>&1))."; exit 1; }
	@python3 -c 'import ensurepip' 2>/dev/null || { echo "The system package python3-venv is missing."; exit 1; }
	@for program in ssh scp ssh-keygen; do command -v $$program >/dev/null || { echo "The program $$program is missing (package openssh-client)."; exit 1; }; done
	@test -x $(BIN)/python || python3 -m venv $(VENV)
	sed '$(SALT:%=/^salt==/,/[^\]$$/d)' etc/venv/requirements.lock >$(VENV)/requirements.lock
	$(PIP_INSTALL) --require-hashes -r etc/venv/build.lock
	$(PIP_INSTALL) --require-hashes --no-build-isolation -r $(VENV)/requirements.lock
	$(SALT:%=$(PIP_INSTALL) --no-build-isolation salt==%)
	cp etc/venv/*.py "$$($(BIN)/python -c 'import site; print(site.getsitepackages()[0])')/"
	echo 'import started_elsewhere' > "$$($(BIN)/python -c 'import site; print(site.getsitepackages()[0])')/started_elsewhere.pth"
	touch $@

QUICK := tests/attack tests/unit tests/render tests/config
# the files are begun in the order in which they are named here
WORKED = $(BIN)/python -m pytest -q -p tests.order -n $(WORKERS) --dist loadfile --no-loadscope-reorder
check: setup lint ## The main checks that need no host: lint, unit, render, config, attack
	$(WORKED) -m "not exhaustive" $(QUICK)

# What stand-in and contract have changed is due, and asked of a stand-in that is there.
# In this order: a quick tier for as long as stand-in and base are being made, hosts, of these the files with many tests first
# (scenarios/conftest.py), and the short tests, which fill what is left of the workers' time.
# under a name of our own: what says $(MAKE) itself runs under `make -n` too
AT_ONCE := $(MAKE) --no-print-directory -j2
test: ## All tests [WORKERS=5 labs at a time]; tiers that cannot run here (no root) say so and count as skipped
	@$(AT_ONCE) setup packages
	@$(AT_ONCE) lint
	@due=$$($(BIN)/python -m tests.proved); [ -z "$$due" ] || $(AT_ONCE) standin || exit; \
	$(AT_ONCE) standin base & made=$$!; \
	$(WORKED) --reruns 1 tests/render \
		tests/scenarios tests/engine tests/lab_self $$due $(filter-out tests/render,$(QUICK)) || failed=$$?; \
	wait $$made; exit $${failed:-0}

.PHONY: lint packages base soak touched scenario
lint: setup ## Lint alone
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/yamllint --strict salt/mattermost/*.yaml

packages: ## Install what the tests of all tiers need; without root, say what is missing
	@python3 -m tests.lab.packages

base: setup ## Build the base image of the test hosts, once a week
	@$(LAB) base

SEED ?=
ONLY ?=
soak: setup packages standin ## The long test sets, each within an hour [ONLY=part SEED=number]
	@$(BIN)/python -m tests.soak --workers $(WORKERS) $(if $(ONLY),--only "$(ONLY)") $(if $(SEED),--seed "$(SEED)")

touched: BASE ?= main
touched: setup ## The quick tests for what changed since BASE; lists the scenarios to run [BASE=main]
	@$(BIN)/python -m tests.touched "$(BASE)"

TEST ?=
KEEP ?=
scenario: setup packages ## One scenario with its output; KEEP=1 leaves the host up [TEST=tests/scenarios/test_x.py::test_y ARCHIVE="old.tar.gz new.tar.gz"]
	@test -n "$(TEST)" || { echo "Which test? make scenario TEST=tests/scenarios/test_deploy.py::test_chat_comes_back_after_a_reboot"; exit 2; }
	@$(if $(KEEP),LAB_KEEP=1) $(if $(ARCHIVE),LAB_ARCHIVES="$(ARCHIVE)") $(BIN)/pytest -vv -s "$(TEST)"

# What a trial takes: the host's platform, a release archive, the orchestration to run.
PLATFORM ?= debian12
ARCHIVE ?=
ORCHESTRATION ?= mattermost.ssl
ENGINE ?= ssh
HOSTS ?= 1
LAB := $(BIN)/python -m tests.lab

trial: setup ## A throwaway host, deployed and left running [PLATFORM= ARCHIVE=file.tar.gz ORCHESTRATION= ENGINE=ssh|minion HOSTS=1]
	@$(LAB) trial --platform $(PLATFORM) --orchestration $(ORCHESTRATION) --engine $(ENGINE) --hosts $(HOSTS) $(if $(ARCHIVE),--archive "$(ARCHIVE)")

standin: setup ## Build two versions of the stand-in server in .lab/archives, usable as ARCHIVE=
	@$(BIN)/python tests/lab/standin/build.py

trial-host: setup ## A bare throwaway host and its .lab/trial.env, nothing deployed [PLATFORM=debian12]
	@$(LAB) trial-host --platform $(PLATFORM)

trial-browser: setup ## Use the running trial in headless Chromium; screenshots in .lab/browser [CHROMIUM=program]
	@test -e .lab/trial.env || { echo "No trial is there. Run first: make trial"; exit 2; }
	@. .lab/trial.env && $(BIN)/python -m tests.browser

trial-down: setup ## Remove the lab's hosts, network, mounts and processes; caches and packages stay
	@$(LAB) down

.PHONY: docs
docs: setup ## Generate docs/settings.md from the schema
	$(BIN)/python -m tools.settings_page

.PHONY: picture
picture: setup ## Draw docs/screen.svg from a first deploy, on the host that `make trial-host` made
	@test -e .lab/trial.env || { echo "No host is there. Run first: make trial-host"; exit 2; }
	@. .lab/trial.env && $(BIN)/python -m tools.picture docs/screen.svg salt-run state.orchestrate mattermost.ssl

.PHONY: bench
ROUNDS ?= 1
GIGABYTES ?= 0
FILES ?= 0
bench: standin ## Compare with a hand-written script, then measure upgrades, rollbacks and many hosts [ROUNDS=1 BASE=commit to measure too; ONLY=deploy|upgrade|engines|large GIGABYTES=0 FILES=0 (GB, for large) PLATFORM= ARCHIVE= WRITE=1: into docs/measurements.md]
	@$(BIN)/python -m tests.bench --platform $(PLATFORM) --rounds $(ROUNDS) --gigabytes $(GIGABYTES) --files $(FILES) $(if $(BASE),--base "$(BASE)") $(if $(ONLY),--only $(ONLY)) $(if $(ARCHIVE),--archive "$(ARCHIVE)") $(if $(WRITE),--write)

.PHONY: release
VERSION ?=
ARCH ?= amd64
RELEASE = $(BIN)/python -m tools.release "$(VERSION)" --arch "$(ARCH)" $(if $(SOURCE),--source "$(SOURCE)") $(if $(SHA256),--sha256 "$(SHA256)") \
	$(if $(KEY),--key "$(KEY)") $(if $(CA_FILE),--ca-file "$(CA_FILE)") $(if $(PAGE),--page "$(PAGE)") $(if $(TRUST_FIRST),--trust-first-download)
release: setup ## Download a release, check it, add its checksum to the table [VERSION=11.8.6 ARCH= SHA256= KEY= SOURCE= TRUST_FIRST=yes]
	@test -n "$(VERSION)" || { echo "Which version? make release VERSION=11.8.6"; exit 2; }
	@$(RELEASE)

.PHONY: lock
LOCK = .lab/lock/bin/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-annotate --no-header
lock: ## Pin each dependency with its hashes, after a change of requirements.txt; versions that still fit stay
	@python3 -m venv .lab/lock && .lab/lock/bin/pip install --quiet --disable-pip-version-check uv
	@$(LOCK) requirements.txt -o etc/venv/requirements.lock >/dev/null
	@$(LOCK) -c etc/venv/requirements.lock etc/venv/build.in -o etc/venv/build.lock >/dev/null

.PHONY: sources
sources: setup ## Show what the sources that list Mattermost's releases answer, and what is understood of it
	@$(BIN)/python -m tools.release.sources
