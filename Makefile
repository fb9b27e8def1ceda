# make run: install and open the app.  make test: install what the tests need, then run them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test lint screenshots
run: $(VENV)/.installed
	$(BIN)/dlcore app

test: $(VENV)/.installed-tests lint
	$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder

lint: $(VENV)/.installed-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

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
