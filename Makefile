SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: setup demo test test-long services check bench up lock clean
.DEFAULT_GOAL := help
# Compiled modules are kept: importing the libraries from source costs every process half a minute.
unexport PYTHONDONTWRITEBYTECODE

help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(STAMP) ## create .venv with the locked dependencies

$(STAMP): requirements.lock pyproject.toml
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV) || { echo "python3-venv is missing: apt-get install python3-venv"; exit 1; }
	@echo "Installing the locked dependencies (2 GB on disk, about a minute) …"
	@$(BIN)/pip install -q --disable-pip-version-check "$$(grep -oE '^uv==[0-9.]+' requirements.lock)"
	@$(BIN)/uv pip sync -q --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## simulate payments, materialize every asset, print a summary
	@$(BIN)/risk-platform demo

test: setup ## run the everyday tests
	@$(BIN)/python -m pytest

test-long: setup ## run the tests that take minutes
	@$(BIN)/python -m pytest -m long

services: setup ## install the real servers that tests talk to (apt and Maven; needs root)
	@bash scripts/services.sh

check: setup ## format, lint, types, security
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/bandit -q -r risk_platform streamlit_app -c pyproject.toml

bench: setup ## the benchmarks that need no file; `risk-platform bench --help` lists the others
	@$(BIN)/risk-platform bench simulate
	@$(BIN)/risk-platform bench scaling

up: setup ## Dagster, MLflow and Streamlit together
	@$(BIN)/risk-platform up

lock: setup ## resolve the dependencies anew
	@$(BIN)/uv pip compile -q --no-emit-index-url --generate-hashes --python-version 3.11 --group dev pyproject.toml -o requirements.lock

clean: ## remove what runs and builds left behind, not the data in .risk
	@rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis dbt_features/target dbt_features/logs build dist
