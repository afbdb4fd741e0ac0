# Everything runs inside .venv, which is made on first use: Python 3.11 (or newer) and GNU make are all that is needed.

PYTHON ?= python3
# Test processes at once; every one of them keeps its linear algebra to one thread.
WORKERS ?= 2
# One exact release, so that a prebuilt wheel at hand (a CPU-only one, say) is taken for it.
TORCH ?= torch==2.13.0

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
PYTEST := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS)
TABLE := examples/tables/digits.csv

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Two pips must not write into one environment at the same time.
.NOTPARALLEL:
.PHONY: help demo test test-long lint format docs results comparison memory inspection gates benchmarks clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.installed ## Train a network on real data, predict a few rows, look into one
	$(BIN)/pellucid train $(TABLE) --target digit --out runs/demo --seed 0 --overwrite
	head -n 6 $(TABLE) > runs/demo-rows.csv
	$(BIN)/pellucid predict runs/demo runs/demo-rows.csv
	$(BIN)/pellucid observe runs/demo $(TABLE) --row 0 --draw runs/demo/row-0.svg

test: $(VENV)/.installed-test ## Run the tests and the examples in the docstrings
	$(PYTEST)

test-long: $(VENV)/.installed-oracles ## Run all tests, the long ones and the comparisons with other libraries too
	$(PYTEST) -m "long or not long"

lint: $(VENV)/.installed-lint ## Check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed-lint ## Put the code into the checked format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.installed ## Write the pages and pictures that are made from the code
	$(BIN)/python docs/make_reference.py
	$(BIN)/python docs/make_pictures.py
	$(BIN)/python docs/make_gallery.py
	$(BIN)/python docs/make_guide_pictures.py

results: $(VENV)/.installed ## Measure the default recipe on the example tables (minutes)
	$(BIN)/python docs/make_results.py

comparison: $(VENV)/.installed ## Compare the default estimators with scikit-learn's on nine data sets (minutes)
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python docs/make_comparison.py

memory: $(VENV)/.installed ## Measure the memory that a table of 1 GB takes (minutes)
	$(BIN)/python docs/make_memory.py

inspection: $(VENV)/.installed ## Measure what recording, explaining and drawing cost (minutes)
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python docs/make_inspection.py

gates: $(VENV)/.installed ## Score the gates on the zoo of faults (minutes)
	$(BIN)/python docs/make_gates.py --workers $(WORKERS)

benchmarks: $(VENV)/.installed-bench ## Measure against PyTorch, JAX and scikit-learn (ten minutes on quiet cores)
	$(BIN)/pellucid bench --write docs/benchmarks.md

clean: ## Remove the environment, caches and demo results
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist runs/demo runs/demo-rows.csv
	find pellucid tests examples docs -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# The stamps are newer than pyproject.toml when what it asks for is installed.
$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Pellucid needs Python 3.11 or newer, but \
	$(PYTHON) is " + sys.version.split()[0] + ": name another one, for example: make PYTHON=python3.11")'
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.installed: pyproject.toml $(VENV)/.created
	$(PIP) --editable .
	@touch $@

$(VENV)/.installed-%: pyproject.toml $(VENV)/.created
	$(PIP) --editable '.[$*]'
	@touch $@

$(VENV)/.installed-bench: pyproject.toml $(VENV)/.created
	$(PIP) --editable '.[bench]' '$(TORCH)'
	@touch $@

$(VENV)/.installed-oracles: pyproject.toml $(VENV)/.created
	$(PIP) --editable '.[test,oracles]' '$(TORCH)'
	@touch $@
