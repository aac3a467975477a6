# The one door. `make help` lists what is behind it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SHELL := /bin/bash

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format bench results clean

help: ## List what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(BIN)/.installed ## Create the virtual environment in .venv and install everything (about 1 minute)

# torch first and by exact version: a range would let another package's install bring a build with CUDA.
$(BIN)/.installed: setup.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[train,eval,dev]'
	touch $@

demo: setup ## Learn to schedule matrix products, compare with searches and numpy on unseen shapes (about 4 minutes)
	$(BIN)/tunewright train --dataset mm64_128_16_range --minutes 2 --eval-size 25 --eval-time 1

test: setup ## Run every test (about 25 minutes on two cores; many wait for a cluster, so three run at a time)
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --durations=12

lint: setup ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup ## Rewrite the code in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## Run every benchmark; each prints a table and a JSON line
	@for script in $(filter-out bench/report.py,$(wildcard bench/*.py)); do echo "== $$script"; $(BIN)/python $$script || exit 1; done

results: setup ## Fill the tables and figures of results in README.md and docs/ from the records in docs/results/
	$(BIN)/python -m eval.results

clean: ## Remove the virtual environment and caches; runs are kept
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache
