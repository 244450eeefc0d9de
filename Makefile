# Two commands for a fresh clone: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
LAB    := $(VENV)/.ready-lab
DOCS   := $(VENV)/.ready-docs
SLOW   ?=
ONLY   ?=
SCALE  ?= quick
export OMP_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

PACKAGES := packages/cg-data packages/cg-sim packages/cg-models packages/cg-inverse
EDITABLE := -e packages/cg-data[all] -e packages/cg-sim[all] -e packages/cg-models -e packages/cg-inverse[all]
SOURCES  := $(PACKAGES:%=%/src) tests examples

.PHONY: help demo test lint format types doctest coverage bench soak malformed cluster nightly browser notebooks report docs lab clean
.DEFAULT_GOAL := help

help: ## Show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(READY): constraints.txt requirements-dev.txt $(PACKAGES:%=%/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python >= 3.11 is needed: make PYTHON=python3.12 …"; exit 1; }
	@echo "setting up $(VENV) (once, a minute or two)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "  installing the four packages and the development tools, versions from constraints.txt"
	@$(BIN)/python -m pip install --progress-bar off -q -c constraints.txt hatchling editables
	@$(BIN)/python -m pip install --progress-bar off -q --no-build-isolation -c constraints.txt $(EDITABLE) -r requirements-dev.txt
	@touch $@

demo: $(READY) ## The main job: g(r) to tables for engines, on one page, demo/index.html
	@$(BIN)/python examples/demo.py

test: $(READY) ## Run the tests (SLOW=1: also long statistics and wheels in clean environments)
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m "not browser and not cluster$(if $(SLOW),, and not slow and not validation)" $(if $(ONLY),-k "$(ONLY)")

lint: $(READY) ## Check style
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

format: $(READY) ## Put style right
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

types: $(READY) ## Check types strictly
	@$(BIN)/mypy $(PACKAGES:%=%/src)

doctest: $(READY) ## Run the examples in docstrings
	@$(BIN)/python -m pytest -q --doctest-modules --doctest-ignore-import-errors $(PACKAGES:%=%/src)

coverage: $(READY) ## Report which lines the tests reach
	@$(BIN)/python -m pytest -q -n 2 -m "not browser and not cluster and not slow and not validation" --cov --cov-report=term-missing:skip-covered

bench: $(READY) ## Compare speed with peers, which it installs (ONLY=name for one benchmark)
	@$(BIN)/python benchmarks/run.py $(ONLY)

$(LAB): $(READY)
	@$(BIN)/python -m pip install --progress-bar off -q -c constraints.txt jupyterlab jupytext nbclient
	@touch $@

lab: $(LAB) ## Open the notebooks in JupyterLab
	@$(BIN)/jupyter lab notebooks

soak: $(READY) ## 10 000 small random jobs, valid, odd and hostile (minutes)
	@SOAK_JOBS=$(or $(JOBS),2000) $(BIN)/python -m pytest -q tests/soak

malformed: $(READY) ## 10 000 damaged files for every reader (FILES=1000 for fewer; minutes)
	@MALFORMED_FILES=$(or $(FILES),10000) $(BIN)/python -m pytest -q -n 2 -m fuzz tests/cg_data tests/soak

cluster: $(READY) ## Run a campaign on a Dask cluster in network namespaces, and break it (root)
	@$(BIN)/python -m pytest -q tests/cluster

nightly: soak malformed cluster browser ## What needs root or a browser, and minutes

browser: $(LAB) ## Run every notebook in a real JupyterLab in Chromium, and move sliders (minutes)
	@$(BIN)/python -m pip install --progress-bar off -q -c constraints.txt playwright
	@$(BIN)/python -m pytest -q -s tests/browser $(if $(ONLY),-k "$(ONLY)")

notebooks: $(LAB) ## Execute the numbered notebooks and build the report (SCALE=quick|laptop|paper, ONLY=03)
	@for source in notebooks/$(or $(ONLY),[0-9])*.py; do \
	  echo "$$source at scale $(SCALE)"; \
	  SCALE=$(SCALE) $(BIN)/jupytext --quiet --to ipynb --execute --run-path notebooks --output "$${source%.py}.ipynb" "$$source" || exit 1; \
	done
	@$(BIN)/python notebooks/report.py

report: $(READY) ## Build notebooks/REPORT.md and .html of the closing tables as they are
	@$(BIN)/python notebooks/report.py

$(DOCS): $(READY) docs/requirements.txt
	@$(BIN)/python -m pip install --progress-bar off -q -c constraints.txt -r docs/requirements.txt
	@touch $@

docs: $(DOCS) ## Build the documentation and run its examples (EXAMPLES=0: do not)
	@$(BIN)/python -m sphinx -q -a -W --keep-going -D run_examples=$(or $(EXAMPLES),1) -c docs . docs/_build/html
	@echo "docs/_build/html/index.html"

clean: ## Remove the environment and what tools left
	rm -rf $(VENV) demo docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
