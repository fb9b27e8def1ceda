# make run: the workbench in your browser.  make test: everything the tests need, then the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

BIOME := @biomejs/biome@2.6.8

.PHONY: run test lint lint-js screenshots
run: $(VENV)/.installed
	$(BIN)/streamlit run app.py

test: $(VENV)/.installed-tests lint
	$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder

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

$(VENV)/.installed: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install -q -r requirements.txt
	touch $@

$(VENV)/.installed-tests: tests/requirements.txt $(VENV)/.installed
	$(BIN)/python -m pip install -q -r tests/requirements.txt
	touch $@
