.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
export FEEDBACK_HOME ?= $(CURDIR)/.feedback

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(VENV)/.ready ## Make the virtual environment from requirements.lock

$(VENV)/.ready: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## Run the main job on the sample feed, with a summary at the end
	@$(BIN)/feedback demo

test: setup ## Lint, check types, run the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

test-slow: setup jars ## What takes minutes: both engines row by row, PostgreSQL, every compute
	$(BIN)/pytest -m slow

test-engines: setup ## The same steps on a JVM Spark (needs the jars; a minute)
	$(BIN)/pytest -m slow -rs tests/parity -k what_sail_wrote

jars: ## Fetch Delta's jars for tests on a JVM Spark (needs Java 17 and Maven)
	tests/parity/fetch_jars

wheel: setup ## Build the wheel that a Databricks job runs, into dist/
	@rm -rf build  # or modules that are gone stay in the wheel
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation -w dist .

dev: setup ## Open the Dagster UI on http://localhost:3000
	@$(BIN)/feedback dev

bench: setup ## Measure: items per second by stage, memory, growth (takes long)
	$(BIN)/python -m benchmarks.path

lock: ## Pin the dependencies again (needs uv)
	uv pip compile --quiet pyproject.toml --extra orchestrator --extra dev --no-strip-extras --no-emit-index-url --generate-hashes --no-header -o requirements.lock

clean: ## Remove what the demo and runs made (.feedback)
	rm -rf $(FEEDBACK_HOME)

.PHONY: help setup demo test test-slow test-engines jars wheel dev bench lock clean
