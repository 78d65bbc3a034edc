# make report | test | lab | benchmark | processors | emulated | clean
# Without CUDA: make report TORCH_INDEX=https://download.pytorch.org/whl/cpu

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# the first of these that is 3.11 to 3.13 makes the environment
PYTHONS := python3 python3.13 python3.12 python3.11 python
SUITABLE := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
TORCH_INDEX ?=
FRESH := build/fresh_results

export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Notebooks and tests use one thread a job; without this each job would start one a core.
export OMP_NUM_THREADS ?= 1
# Files are UTF-8 whatever the locale.
export PYTHONUTF8 := 1

.NOTPARALLEL:
.PHONY: report test unit notebooks book-test lab benchmark processors emulated clean

report: $(STAMP)
	medlib report

test: unit notebooks book-test

# Style and types first: they fail fastest.
unit: $(STAMP)
	ruff check .
	ruff format --check .
	mypy
	lint-imports --no-cache --no-logo
	pytest medlib --doctest-modules
	pytest tests --ignore tests/book -n 2

# Every notebook again from nothing: exact cells must give the stored outputs (nbval), recorded
# numbers must lie within their tolerance of the committed ones.
notebooks: $(STAMP)
	rm -rf $(FRESH)
	PYTHONHASHSEED=0 MEDLIB_PROGRESS=off MEDLIB_RESULTS="$(CURDIR)/$(FRESH)" \
	  MEDLIB_CACHE="$(CURDIR)/$(FRESH)/cache" pytest --nbval notebooks -n 2 --dist loadfile --nbval-sanitize-with tests/nbval_sanitize.cfg
	MEDLIB_FRESH="$(CURDIR)/$(FRESH)" pytest tests/fresh_results.py

# The book with warnings as errors, then every page of it in headless Chromium.
book-test: $(STAMP)
	pytest tests/book

lab: $(STAMP)
	jupyter lab notebooks

benchmark: $(STAMP)
	python -m benchmarks

# All chapters again as on other processors and from other seeds: what moves, and by how much. Hours;
# a run that was stopped goes on where it was.
processors: $(STAMP)
	medlib processors --write

# A few simulated patients on emulated processors, ARM ones too: Debian with qemu-user; minutes.
emulated: $(STAMP)
	tests/emulated.sh

clean:
	rm -rf book/_build build .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# Made once, and again when the lock or pyproject.toml changes; an existing .venv is filled up.
$(STAMP): requirements.lock pyproject.toml
	@test -x $(BIN)/python || for python in $(PYTHONS); do \
	  if $$python -c '$(SUITABLE)' 2>/dev/null; then $$python -m venv $(VENV) && exit 0; fi; \
	done; test -x $(BIN)/python || { echo "medlib needs Python 3.11, 3.12 or 3.13 with its venv" \
	  "module; found none of: $(PYTHONS)" >&2; exit 1; }
	@echo "Installing the exact versions of requirements.lock into $(VENV) (once; some minutes)"
	@if [ -n "$(TORCH_INDEX)" ]; then $(BIN)/python -m pip install -qq --no-deps \
	  --index-url $(TORCH_INDEX) $$(grep -E '^torch(vision)?==' requirements.lock); fi
	@$(BIN)/python -m pip install -qq --requirement requirements.lock
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation --editable .
	@touch $(STAMP)
