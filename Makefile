# The developer's day. Every verb works on a fresh clone: it installs what it needs first.
PYTHON ?= python3
BIN := .venv/bin
# One thread a process: what runs side by side must not fight over cores, and timings must compare.
export OMP_NUM_THREADS ?= 1

.PHONY: help install demo test quick check format lint types docs bench reference clean

help:  ## show the verbs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: .venv/installed  ## create .venv and install Precursor into it

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: install  ## a small ablation on the embedded furnace, with its table and report
	$(BIN)/precursor grid ablations/smoke.yaml --workers 2

test: quick  ## every test: the fast ones, then the slow ones one by one (they kill what runs)
	$(BIN)/python -m pytest -q -m slow

quick: install  ## the fast tests, on up to four cores
	$(BIN)/python -m pytest -q -m 'not slow' --numprocesses auto --maxprocesses 4 --dist loadfile

check: install format lint types quick  ## what must pass before a commit

format: install  ## format the code
	$(BIN)/ruff format .

lint: install  ## look for mistakes in the code
	$(BIN)/ruff check .

types: install  ## strict type checking
	$(BIN)/mypy

docs: install  ## write the pages that are made from the code
	$(BIN)/precursor list --markdown > docs/components.md

bench: install  ## speed of a step, of the harness and of a report; whether the statistics hold
	$(BIN)/python tests/benchmarks/training_step.py
	$(BIN)/python tests/benchmarks/overhead.py
	$(BIN)/python tests/benchmarks/report.py
	$(BIN)/python tests/benchmarks/null_studies.py

SEARCHED := contrastive_loss search_value
GRIDS := $(filter-out smoke search_value,$(basename $(notdir $(wildcard ablations/*.yaml))))
reference: install  ## run the shipped studies again and renew results/reference (some hours)
	for study in $(GRIDS); do $(BIN)/precursor grid $$study --workers 2 || exit 1; done
	for study in $(SEARCHED); do $(BIN)/precursor search $$study --workers 2 || exit 1; done
	for study in $(GRIDS) $(SEARCHED); do cp -r results/$$study results/reference/; done

clean:  ## remove what can be made again (not results)
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache
