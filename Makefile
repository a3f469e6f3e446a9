# The commands of the project. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help run dev test test-all check admin bench soak pictures requirements clean system

PYTHON ?= python3
PORT ?= 8000
MINUTES ?= 30
BIN := .venv/bin
# Quiet: what goes wrong is still said, and nothing else is worth a page of output.
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/.run ## run Watchwall: one process, on http://127.0.0.1:8000/ [PORT=8000]
	@exec $(BIN)/python manage.py up --port $(PORT)

dev: .venv/.dev ## the same, restarted when a file changes
	@exec $(BIN)/watchfiles --filter default --sigint-timeout 10 "$(BIN)/python manage.py up --port $(PORT)" \
	  manage.py site widgets dashboard templates static

admin: .venv/.run ## make the first administrator
	@$(BIN)/python manage.py migrate --verbosity 0
	@$(BIN)/python manage.py createsuperuser

check: .venv/.dev ## lint and types alone
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .

test: system .venv/.dev check ## lint, types, unit, integration and browser tests
	$(BIN)/pytest -m "not slow" tests
	$(BIN)/pytest -m "not slow" e2e

test-all: system .venv/.dev ## on top of `make test`: what takes long, and the tests of the database on PostgreSQL
	$(BIN)/pytest -m slow e2e
	WATCHWALL_TEST_DATABASE=postgresql $(BIN)/pytest -m "not slow" tests

# First of all, since the environment needs it too.
system:
	@e2e/install.sh

bench: system .venv/.dev ## all benchmarks, half an hour; or one [PART=fanout] [QUICK=1]
	@$(BIN)/python -m bench $(PART) $(if $(QUICK),--quick)

soak: system .venv/.dev ## whether anything grows, in page or server [MINUTES=30]
	@$(BIN)/python -m bench.soak --minutes $(MINUTES)

pictures: system .venv/.dev ## README's picture anew, from the browser tests, after five minutes
	PICTURES_AFTER=300 $(BIN)/pytest -q e2e/test_page.py -k pictures
	cp e2e/out/wall.png docs/wall.png

requirements: .venv/.dev ## pin requirements.txt and requirements-dev.txt anew from the short lists
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate requirements.in -o requirements.txt
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate requirements-dev.in -o requirements-dev.txt

clean: ## remove the environment and what tests leave behind, never var/
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis e2e/out bench/out

# The environment, made again only when a list of requirements changed.
.venv/.run: requirements.txt | .venv/bin/python
	@echo "Installing what Watchwall needs (once) …"
	@$(PIP) install -r requirements.txt
	@touch $@

.venv/.dev: requirements-dev.txt .venv/.run
	@echo "Installing what the tests need (once) …"
	@$(PIP) install -r requirements-dev.txt
	@touch $@

.venv/bin/python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "Watchwall needs Python 3.11 or newer, and there is no $(PYTHON). On Debian: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Watchwall needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make run PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Watchwall needs Python's venv module. On Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv .venv
