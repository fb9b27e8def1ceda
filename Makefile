# make run: install and open the app.  make test: install the test requirements and run all tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OLDEST := .venv-oldest
SERVICES := .venv-services
WORKERS ?= 3# more than the two processors: many tests wait for a worker process or a page
PYTEST := -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder

BIOME := @biomejs/biome@2.6.8

.PHONY: run test pytest test-failed test-environments test-services test-realdata test-oldest lint lint-js screenshots
run: $(VENV)/.installed
	$(BIN)/dlcore app

# Independent of the user's datasets, downloads and runs. Linters run in parallel with the tests.
test: $(VENV)/.installed-tests
	@$(MAKE) --no-print-directory --jobs=2 lint pytest

pytest: $(VENV)/.installed-tests
	@cache=$$(mktemp -d) && trap 'rm -rf "$$cache"' EXIT && \
	env -u DLCORE_DATA DLCORE_CACHE="$$cache" $(BIN)/python $(PYTEST) -m "not environments and not services"

# Scripts and notebooks of exported runs, in an environment without dlcore. DLCORE_DATA adds those that need a dataset.
test-environments: $(VENV)/.installed-tests
	$(BIN)/python $(PYTEST) -m environments $(AGAIN)

# Real daemons on loopback: Slurm, PostgreSQL, MLflow, nginx. Skipped where they are not installed.
test-services: $(VENV)/.installed-tests $(SERVICES)/.installed
	env -u DLCORE_DATA $(BIN)/python -m pytest -n 0 -m services $(AGAIN)

# The tests that failed in the last run, one after another.
test-failed: $(VENV)/.installed-tests
	env -u DLCORE_DATA $(BIN)/python -m pytest -n 0 --last-failed --last-failed-no-failures none

# Needs datasets: DLCORE_DATA=/folder:/another make test-realdata
test-realdata: $(VENV)/.installed-tests
	$(BIN)/python $(PYTEST) -m realdata $(AGAIN)

# Tests with the lowest versions that requirements.txt allows, in a separate environment. Run it when requirements.txt changes.
test-oldest: $(OLDEST)/.installed
	env -u DLCORE_DATA $(OLDEST)/bin/python $(PYTEST) -m "not browser and not faults and not environments and not services" \
		-W 'ignore:`isinstance(treespec, LeafSpec)` is deprecated'  # raised inside torch 2.11 by its ONNX export

lint: lint-js $(VENV)/.installed-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Skipped without node, npm or network, but not in CI.
lint-js:
	@if npx --yes $(BIOME) --version >/dev/null 2>&1; then npx --yes $(BIOME) ci; \
	elif [ "$(CI)" = true ]; then echo "lint-js: cannot run $(BIOME): node, npm or network missing" >&2; exit 1; \
	else echo "lint-js: skipped, node, npm or network missing"; fi

screenshots: $(VENV)/.installed-tests
	$(BIN)/python tests/screenshots.py

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing dlcore. The default torch brings about 5 GB of CUDA libraries; README.md has a CPU-only install."
	$(BIN)/python -m pip install -e .
	touch $@

$(VENV)/.installed-tests: tests/requirements.txt $(VENV)/.installed
	$(BIN)/python -m pip install -r tests/requirements.txt
	touch $@

$(SERVICES)/.installed: tests/services/requirements.txt
	$(PYTHON) -m venv $(SERVICES)
	$(SERVICES)/bin/python -m pip install -r $<
	touch $@

$(OLDEST)/.installed: requirements.txt tests/requirements.txt tests/oldest.py
	$(PYTHON) -m venv --clear $(OLDEST)
	$(PYTHON) tests/oldest.py > $(OLDEST)/constraints.txt
	$(OLDEST)/bin/python -m pip install -c $(OLDEST)/constraints.txt -r requirements.txt -r tests/requirements.txt
	touch $@
