# Everything a developer or a CI machine does here. `make` alone lists it.

PYTHON ?= python3
VENV ?= .venv
DEMO_VENV ?= .venv-demo
AUDIT_VENV ?= .venv-audit
WORKERS ?= 4
SECONDS ?= 300
PYTEST_ARGS ?=
HARM_ARGS ?=

BIN := $(VENV)/bin
SOURCES := $(shell find src sitecustomize_templates -type f -not -name '*.pyc')

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-slow lint format generate coverage bench corpus suites harm soak fuzz audit build nox hooks clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(DEMO_VENV)/installed ## Run the example services under platform-instrument and print their traces
	@$(DEMO_VENV)/bin/python examples/demo.py

# A file is the unit that is handed out: its tests share servers, and may be told in an order.
test: $(VENV)/installed ## Run the tests, side by side: make test PYTEST_ARGS="-k redis"
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not slow" $(PYTEST_ARGS)

test-slow: $(VENV)/installed ## Run the long matrices
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m slow $(PYTEST_ARGS)

lint: $(VENV)/installed ## Check style, types, floors, and that generated files are fresh
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

format: $(VENV)/installed ## Format the code and mend what can be mended by rule
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generate: $(VENV)/installed ## Write the index of import triggers and the tables of the documentation
	$(BIN)/python docs/generate.py

coverage: $(VENV)/installed ## Run the tests with branch coverage, subprocesses included; the report is in htmlcov/
	rm -f .coverage .coverage.*
	@# Tests of what start-up imports see the tracer too, and fail: here the report counts, not the result.
	-$(BIN)/coverage run -m pytest -n $(WORKERS) --dist loadfile -m "not slow" $(PYTEST_ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage html --quiet
	$(BIN)/coverage report --skip-covered --skip-empty

bench: ## Measure what telemetry costs: make bench BENCH_ARGS="--quick"
	$(PYTHON) -m benchmarks $(BENCH_ARGS)

corpus: $(VENV)/installed ## Judge what masking finds by the rows in PLATFORM_CORPUS, and publish it in docs/privacy.md
	@$(BIN)/python -m tests.corpus

suites: $(VENV)/installed ## Run a library's own tests under telemetry: make suites NAME=flask SRC=flask-3.1.3.tar.gz
	@$(BIN)/python -m tests.suites "$(NAME)" "$(SRC)" $(if $(DOOR),--door $(DOOR)) $(if $(SET),--set $(SET)) $(if $(PUBLISH),--publish)

harm: $(VENV)/installed ## Run what could do harm plain and under telemetry: make harm PUBLISH=1 HARM_ARGS="tests/harm -k fork"
	@$(BIN)/python -m tests.harm $(if $(PUBLISH),--publish) -- $(HARM_ARGS)

soak: $(VENV)/installed ## Load two services for an hour while workers are recycled and the collector restarts: make soak MINUTES=5
	@$(BIN)/python -m tests.soak $(if $(MINUTES),--minutes $(MINUTES))

fuzz: $(VENV)/installed ## Fuzz whatever reads what others have written, for so long in all: make fuzz SECONDS=600
	PLATFORM_FUZZ_SECONDS=$(SECONDS) $(BIN)/python -m pytest tests/fuzz -n $(WORKERS) -m slow --timeout 0 $(PYTEST_ARGS)

# Ours cannot be looked up, and what cannot be is a failure: an answer of nothing known about nothing would be none.
audit: $(VENV)/installed $(AUDIT_VENV)/installed ## Look up known vulnerabilities of everything that is installed here
	$(BIN)/python -m pip freeze --exclude-editable > $(AUDIT_VENV)/requirements.txt
	$(AUDIT_VENV)/bin/pip-audit --strict --disable-pip --no-deps --requirement $(AUDIT_VENV)/requirements.txt

build: $(VENV)/installed ## Build wheel and source archive into dist/
	$(BIN)/python -m build

nox: $(VENV)/installed ## Run the tests on every interpreter that is found
	$(BIN)/nox

hooks: $(VENV)/installed ## Check each commit before it is made
	$(BIN)/pre-commit install

clean: ## Remove everything that was made here
	rm -rf $(VENV) $(DEMO_VENV) $(AUDIT_VENV) .nox dist build htmlcov .coverage* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# An environment is made anew with the interpreter's own `venv`, and brought up to date when what it depends on changes.
$(VENV)/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.10 or newer is needed: make PYTHON=python3.12" if sys.version_info < (3, 10) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --upgrade pip
	$(BIN)/python -m pip install --editable . --group dev
	@touch $@

$(AUDIT_VENV)/installed:
	$(PYTHON) -m venv $(AUDIT_VENV)
	$(AUDIT_VENV)/bin/python -m pip install --upgrade pip 'pip-audit>=2.7'
	@touch $@

$(DEMO_VENV)/installed: pyproject.toml examples/shop/requirements.txt $(SOURCES)
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.10 or newer is needed: make PYTHON=python3.12" if sys.version_info < (3, 10) else 0)'
	$(PYTHON) -m venv $(DEMO_VENV)
	$(DEMO_VENV)/bin/python -m pip install --upgrade pip
	$(DEMO_VENV)/bin/python -m pip install '.[testing]' --requirement examples/shop/requirements.txt
	@touch $@
