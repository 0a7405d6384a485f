# `make demo` and `make test` work on a fresh machine: they make .venv with uv, or with venv and pip where there is no uv.

PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
UV ?= $(shell uv --version >/dev/null 2>&1 && echo uv)
VENV ?= .venv
BIN := $(VENV)/bin
TORCH ?= torch==2.13.0
WORKERS ?= auto
PYTEST := BEGAT_STRICT=1 $(BIN)/python -m pytest

.PHONY: demo test heavy slow bench lint types clean

demo: $(VENV)/.dev
	$(BIN)/begat run --watch sklearn --name demo docs/examples/train_sklearn.py
	$(BIN)/begat show last
	$(BIN)/begat params last

test: $(VENV)/.dev
	$(PYTEST) -m "not heavy and not slow and not benchmark" -n $(WORKERS) --dist loadfile

slow: $(VENV)/.dev
	$(PYTEST) -m "slow and not heavy and not benchmark" -n $(WORKERS) --maxprocesses 4

# On Linux a package index serves torch with CUDA; set TORCH to the build you want.
heavy: $(VENV)/.heavy
	$(PYTEST) -m "heavy and not benchmark" -n $(WORKERS) --maxprocesses 2 --dist loadfile

bench: $(VENV)/.bench
	$(PYTEST) -m benchmark tests benchmarks

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy
	$(BIN)/pyright

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis

# uv does not read PIP_FIND_LINKS, and installs what pip would when told so.
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)

ifneq ($(UV),)
INSTALL := $(UV) pip install --python $(BIN)/python
$(VENV)/.dev: pyproject.toml uv.lock
	UV_PROJECT_ENVIRONMENT=$(VENV) $(UV) sync --quiet --frozen --extra dev --inexact --python $(PYTHON)
	@touch $@
else
INSTALL := $(BIN)/python -m pip install --quiet
$(VENV)/.dev: pyproject.toml
	@test -n "$(PYTHON)" || { echo "begat needs Python 3.11 or later on PATH" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) -e '.[dev]'
	@touch $@
endif

$(VENV)/.heavy: $(VENV)/.dev
	$(INSTALL) '$(TORCH)'
	$(INSTALL) -e '.[dev,integration]' '$(TORCH)'
	@touch $@

$(VENV)/.bench: $(VENV)/.dev
	$(INSTALL) -e '.[dev,bench]'
	@touch $@
