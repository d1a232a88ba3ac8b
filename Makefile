# Each target does all of its own set-up. Needs Python 3.11+, git and make; see README.md.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
SUDO   := $(shell [ "$$(id -u)" = 0 ] || command -v sudo >/dev/null && [ "$$(id -u)" != 0 ] && echo "sudo -n")
APT    := $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get

# One more than two processors: some tests wait for a moment, and then another one works. Long and
# short tests lie in different folders, so a worker that has none left takes some of another.
WORKERS ?= 3

.PHONY: demo test lint kill crash races mutations faults rehearse bench suites aimock specs docs clean sandbox jq browser

demo: $(VENV)/.installed sandbox     ## the whole thing, offline, in a scratch repository
	$(BIN)/pipeline demo

test: $(VENV)/.developer sandbox browser   ## lint, types, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy -n $(WORKERS)
	$(BIN)/pytest -q -n $(WORKERS) --dist worksteal

kill: $(VENV)/.developer sandbox     ## kill -9 at random and directed points, then resume
	$(BIN)/python -m tests.kill.campaign && $(BIN)/python -m tests.kill.turns

races: $(VENV)/.developer sandbox    ## two orchestrators started 200 times at once; signals at every moment
	$(BIN)/python -m tests.races.double_start && $(BIN)/python -m tests.races.stops

mutations: $(VENV)/.developer sandbox ## take out each wait for the disk, lock, nonce and check, and see who notices
	$(BIN)/python -m tests.mutations

crash: $(VENV)/.developer sandbox jq  ## kill -9, a full and a broken disk at every system call; random group kills
	$(BIN)/python -m tests.crash.campaign

faults: $(VENV)/.developer sandbox   ## every trouble with a vendor at every moment, and a night full of them
	$(BIN)/python -m tests.faults.campaign

rehearse: $(VENV)/.developer sandbox  ## rehearsals of the demo's backlog: every fault, in each sandbox
	$(BIN)/python -m tests.rehearsal.campaign

injections: $(VENV)/.developer sandbox  ## agents that obey every text that others planted
	$(BIN)/python -m tests.injection.campaign

bench: $(VENV)/.developer            ## start-up times as ratios against a bare interpreter
	$(BIN)/python bench/startup.py && $(BIN)/python bench/review.py && $(BIN)/python bench/gate.py --check && $(BIN)/python bench/waiting.py --check && $(BIN)/python bench/sandbox.py --check && $(BIN)/python -m bench.workspace --check && $(BIN)/python -m bench.agents --check && $(BIN)/python -m bench.live --check && $(BIN)/python -m bench.overhead

suites: $(VENV)/.developer sandbox   ## the tests of real projects, inside the sandbox and outside (needs npm)
	$(BIN)/python -m tests.suites.campaign

aimock: $(VENV)/.developer sandbox   ## the adapters against a mock server by others (needs npm)
	npm install --ignore-scripts --no-audit --no-fund --prefix .aimock @copilotkit/aimock@1.43.0
	AIMOCK=$(CURDIR)/.aimock $(BIN)/pytest -q tests/agents/test_aimock.py

specs: $(VENV)/.developer            ## write specs/*.json from the models
	$(BIN)/python -m pipeline.domain.schemas specs

docs: $(VENV)/.developer             ## write docs/commands.md and docs/settings.md from the code
	$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) .aimock .axe .mypy_cache .ruff_cache .pytest_cache

# The virtual environment. Debian splits `venv` from python3: install it where we may.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "make: Python 3.11 or newer is needed; $(PYTHON) is older: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { $(APT) update -qq && $(APT) install -y -qq python3-venv; } || \
	    { echo "make: $(PYTHON) has no venv module: sudo apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -e .
	@touch $@

$(VENV)/.developer: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/.installed

# Agents' commands and the project's tests run inside bubblewrap.
sandbox:
	@command -v bwrap >/dev/null || { $(APT) update -qq && $(APT) install -y -qq bubblewrap; } || \
	    { echo "make: bubblewrap is missing: sudo apt-get install bubblewrap" >&2; exit 1; }

# What opens the report's page: without it that test is skipped and says so.
AXE := 4.14.1
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
	    { $(APT) update -qq && $(APT) install -y -qq --no-install-recommends chromium; } || \
	    echo "make: no chromium, so the report's page is not tested: sudo apt-get install chromium" >&2
	@[ -e .axe/package/axe.min.js ] || \
	    { { command -v npm >/dev/null || { $(APT) update -qq && $(APT) install -y -qq --no-install-recommends npm; }; } && \
	      mkdir -p .axe && cd .axe && npm pack --silent axe-core@$(AXE) && tar xf axe-core-$(AXE).tgz; } || \
	    echo "make: no axe-core, so the report's page is not tested: it comes by npm" >&2

# The outside reader of the crash campaign.
jq:
	@command -v jq >/dev/null || { $(APT) update -qq && $(APT) install -y -qq jq; } || \
	    { echo "make: jq is missing: sudo apt-get install jq" >&2; exit 1; }
