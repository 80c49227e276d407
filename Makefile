# One-word commands; CONTRIBUTING.md says what each is for.
PYTHON ?= .venv/bin/python

setup:
	python3 -m venv .venv && $(PYTHON) -m pip install -q -e '.[dev]'
format:
	$(PYTHON) -m ruff check --fix . && $(PYTHON) -m ruff format .
check:
	$(PYTHON) -m ruff check . && $(PYTHON) -m ruff format --check . && $(PYTHON) -m mypy
test:
	$(PYTHON) -m pytest
test-all:
	$(PYTHON) -m pytest -m "slow or not slow"
bench:
	$(PYTHON) -m metaworld_py.cli.main bench
docs:
	$(PYTHON) -m pip install -q -e '.[docs]' && NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict

.PHONY: setup format check test test-all bench docs
