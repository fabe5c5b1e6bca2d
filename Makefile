# Every target makes the environment it needs: `make demo`, `make run` and `make test` work from a fresh clone.
PYTHON ?= python3
VENV := .venv
PEERS := .venv-peers
EMULATE := tests/peers/emulate
BIN := $(VENV)/bin
UV := $(BIN)/uv
export UV_PYTHON_DOWNLOADS := never
export UV_SYSTEM_CERTS ?= 1
export PYTHONDONTWRITEBYTECODE :=

BENCHES := memory schedule estimates planner observer

.PHONY: run demo test check format docs lock clean help peer-emulate $(BENCHES:%=bench-%)
.DEFAULT_GOAL := help

help:
	@echo "make demo    the whole loop on sample input, in a data directory of its own"
	@echo "make run     the product, on this machine"
	@echo "make test    the tests"
	@echo "make check   linter, types, import contracts, generated files"
	@echo "make bench-memory, bench-schedule, bench-estimates, bench-planner, bench-observer   figures; DATA=FILE measures on a data set of yours"
	@echo "make peer-emulate  a second Google for the tests, by npm; they do without it"
	@echo "make format  put the code into the house's format"
	@echo "make docs    write the generated pages"
	@echo "make lock    choose the newest allowed versions of all libraries"

run: $(VENV)/.compiled
	@$(BIN)/planner-memory up

demo: $(VENV)/.compiled
	@$(BIN)/planner-memory demo

test: $(VENV)/.dev $(VENV)/.compiled $(PEERS)/.installed
	@$(BIN)/python -m pytest

check: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python tools/generated.py --check

# DATA=… measures on a data set of yours; --json by ARGS=--json
$(BENCHES:%=bench-%): bench-%: $(VENV)/.dev $(VENV)/.compiled $(PEERS)/.installed
	@PYTHONPATH=.:benchmarks DATA="$(DATA)" $(BIN)/python benchmarks/$*.py $(ARGS)

format: $(VENV)/.dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(VENV)/.dev
	@$(BIN)/python tools/generated.py

lock: $(UV)
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --upgrade pyproject.toml -o requirements.lock
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --upgrade pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --upgrade --group pyproject.toml:compile -c requirements-dev.lock -o requirements-compile.lock
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --upgrade --group pyproject.toml:peers -o requirements-peers.lock

# an emulator of Google by other hands, with the Node.js that it needs; the tests skip it where npm fails
peer-emulate: $(EMULATE)/node_modules/.installed

$(EMULATE)/node_modules/.installed: $(EMULATE)/package-lock.json
	@cd $(EMULATE) && npm ci --silent --no-audit --no-fund --ignore-scripts --omit-lockfile-registry-resolved=true
	@touch $@

clean:
	rm -rf $(VENV) $(PEERS) $(EMULATE)/node_modules

# uv itself, by its hash; then the libraries, then the project, which needs no build of its own to be fetched
$(UV): requirements-uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed. Name one: make PYTHON=python3.12 …"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "python3 -m venv does not work here. On Debian: apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@touch $@

$(VENV)/.runtime: $(UV) requirements.lock pyproject.toml
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

# the search, compiled where there is a C compiler; again whenever it was edited
$(VENV)/.compiled: $(VENV)/.runtime requirements-compile.lock tools/compiled.py $(wildcard src/planner_memory/scheduler_engine/*.py)
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements-compile.lock
	@$(BIN)/python tools/compiled.py
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@

$(PEERS)/.installed: $(UV) requirements-peers.lock
	@test -x $(PEERS)/bin/python || $(UV) venv --quiet --python $(BIN)/python $(PEERS)
	@$(UV) pip install --quiet --python $(PEERS)/bin/python --require-hashes -r requirements-peers.lock
	@touch $@
