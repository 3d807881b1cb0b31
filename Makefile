# Every target sets itself up: on a machine with Python 3.11, make and git only,
# the first one makes .venv from uv.lock, and later ones find it there.

PYTHON  ?= $(firstword $(foreach name,python3.11 python3 python,$(shell command -v $(name))))
VENV    := .venv
BIN     := $(VENV)/bin
UV      := uv==0.13.9
SYNC    := UV_PROJECT_ENVIRONMENT=$(VENV) $(BIN)/uv sync --quiet --locked --inexact --no-python-downloads --python $(BIN)/python
RUNTIME := $(VENV)/.runtime-ready
TOOLS   := $(VENV)/.tools-ready
PROGRAMS := $(VENV)/.programs-ready
RIVALS  := $(VENV)/.rivals-ready
CODE    := btql grammar planner storage server conformance tests
WORKERS := 3

.PHONY: help demo test check conformance-doors bench bench-beside fuzz fuzz-http soak setup lock format clean

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 10

demo: $(RUNTIME) ## Generate, ingest and compact 100,000 spans, then ask six questions
	@$(BIN)/python -m btql.demo

# A worker that has nothing left takes from the end of another's list (worksteal): fewer modules are torn in two,
# whose servers and databases both workers would make, than where each gets a handful at a time. Workers often
# wait, for servers that start and for clocks, so there is one more than there are cores in the smallest machine.
test: $(TOOLS) $(PROGRAMS) ## Run the tests
	@$(BIN)/pytest -n $(WORKERS) --dist=worksteal --ignore=tests/test_tidy.py

check: $(TOOLS) ## Format, lint, types twice, floors, spelling, sizes
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/pytest -q tests/test_tidy.py

conformance-doors: $(TOOLS) $(PROGRAMS) ## Ask every case of the language through every door, and with every optimisation off
	@CONFORMANCE_WHOLE=1 $(BIN)/pytest tests/test_conformance.py tests/test_conformance_switches.py tests/server/test_conformance_through_doors.py -n 2 --dist=worksteal

bench: $(TOOLS) ## Measure: tests/benchmarks
	@$(BIN)/pytest tests/benchmarks --benchmark-only -p no:randomly

bench-beside: $(RIVALS) ## Measure beside other systems: ARGS='spans --size 500000'; with ARGS=--help all there is to say
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.beside $(ARGS)

fuzz: $(TOOLS) ## Compile mutated queries for SECONDS (60)
	@FUZZ_SECONDS=$(or $(SECONDS),60) $(BIN)/pytest tests/fuzz -s -p no:randomly

fuzz-http: $(TOOLS) ## Send requests made up from the OpenAPI document for about SECONDS (300)
	@FUZZ_SECONDS=$(or $(SECONDS),300) $(BIN)/pytest tests/server/test_made_up_requests.py -n 2

soak: $(TOOLS) $(PROGRAMS) ## Let storage fail and be killed in every way, for about SECONDS (600), from SEED on
	@SOAK_SECONDS=$(or $(SECONDS),600) SOAK_SEED=$(SEED) $(BIN)/pytest tests/soak -s -p no:randomly

setup: $(TOOLS) ## Make the environment for working on the code

lock: $(TOOLS) ## Bring uv.lock up to date with pyproject.toml
	$(BIN)/uv lock

format: $(TOOLS) ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

clean: ## Remove the environment, the demo and all caches
	rm -rf $(VENV) .sdks demo .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks

# uv is installed by pip into the environment itself, so that nothing outside it is touched.
$(BIN)/uv:
	@test -n "$(PYTHON)" || { echo "no python found: install Python 3.11 or newer" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "$(PYTHON) is too old: install Python 3.11 or newer, or say make PYTHON=..." >&2; exit 1; }
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV)

$(RUNTIME): pyproject.toml uv.lock | $(BIN)/uv
	@$(SYNC) --no-dev
	@touch $@

$(TOOLS): pyproject.toml uv.lock | $(BIN)/uv
	@$(SYNC) --all-extras
	@touch $@ $(RUNTIME)

$(RIVALS): pyproject.toml uv.lock | $(TOOLS)
	@$(SYNC) --all-extras --group bench
	@touch $@

$(PROGRAMS): tests/install_programs.py | $(TOOLS)
	@$(BIN)/python tests/install_programs.py
	@touch $@
