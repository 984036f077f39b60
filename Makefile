# Set everything up in .venv, then run scanpool or its tests. Needs python3 (3.11 or newer) and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Test files that run at the same time: they wait more than they work.
# They begin in the order of their folders: the long ones first, the short ones fill up the end.
TESTS_AT_ONCE ?= 6
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := $(VENV)

.PHONY: help setup demo test chaos bench conformance fuzz lint types imports check build clean

help: ## Say what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/ready ## Set up .venv with everything that is needed

$(VENV)/ready: pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "scanpool needs Python 3.11 or newer; $(PYTHON) is older. Set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "python3 has no venv or pip; install them (Debian, Ubuntu: apt install python3-venv python3-pip)" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.8,<1'
	@$(BIN)/uv sync --quiet --frozen --all-extras
	@touch $@

demo: setup ## Watch scans flow through two pools of emulated scanners
	@$(BIN)/scanpool demo

test: export PYTHONDONTWRITEBYTECODE :=
test: export PYTHONPYCACHEPREFIX := $(abspath $(VENV))/bytecode
test: setup ## Run the whole test suite
	@$(BIN)/python -m pytest -n $(TESTS_AT_ONCE) --dist loadfile --no-loadscope-reorder

chaos: setup ## Kill processes, NATS and leaders at full size; the seed is printed, SCANPOOL_CHAOS_SEED plays it again
	@SCANPOOL_CHAOS=full $(BIN)/python -m pytest -s tests/chaos

bench: setup ## Measure reports and the pipeline: some ten minutes, a JSON line each; best on a quiet machine
	@$(BIN)/python -m tests.bench.bench_report --megabytes 10 200
	@$(BIN)/python -m tests.bench.bench_findings
	@$(BIN)/python -m tests.bench.bench_hop --scans 500 --rounds 3
	@$(BIN)/python -m tests.bench.bench_throughput --scans 300 --rounds 3
	@$(BIN)/python -m tests.bench.bench_latency --scans 50
	@$(BIN)/python -m tests.bench.bench_running --seconds 120
	@$(BIN)/python -m tests.bench.bench_list --scans 100000
	@$(BIN)/python -m tests.bench.bench_fairness --scans 200 --flood 1000 --rounds 2

conformance: setup ## Run the official MCP conformance suite and inspector against the bridge; needs npx
	@$(BIN)/python -m tests.conformance.run

fuzz: setup ## Read mutated reports for ten minutes
	@$(BIN)/python -m tests.fuzz.run --seconds 600

lint: setup ## Check style (ruff)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup ## Check types (mypy strict)
	@$(BIN)/mypy

imports: setup ## Check which room may import which (import-linter)
	@$(BIN)/lint-imports

check: lint types imports ## All static checks

build: setup ## Build the wheel and the source distribution into dist/
	@$(BIN)/uv build --quiet

clean: ## Remove .venv and what was built
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .import_linter_cache .hypothesis
