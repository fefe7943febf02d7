# The same verbs everywhere. Each works alone, on a machine with Python >= 3.11 (with venv), make and a package index.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
OLDEST := .venv-oldest

.PHONY: demo test test-oldest interop check bench docs clean help

help:  ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

demo: $(VENV)/.demo  ## trace, evaluate and guard a real model, here and now
	@$(BIN)/python examples/fraud_explainer.py $(DEMO_ARGS)

test: $(VENV)/.dev  ## the whole test suite
	@$(BIN)/python -m tracelm.local_model
	@$(BIN)/python -m pytest -n 2 -q --inline-snapshot=disable

test-oldest: $(OLDEST)/.dev  ## the integrations, with the oldest client that they support
	@$(OLDEST)/bin/python -m pytest -n 2 -q --inline-snapshot=disable tests/integrations tests/contract

interop: $(VENV)/.dev  ## what other instrumentations send, each installed for it, arrives as it was meant
	@$(BIN)/python -m pytest -n 0 -q tests/interop/check_senders.py

check: $(VENV)/.dev  ## ruff, mypy, pyright, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports

bench: $(VENV)/.dev  ## what tracing, evaluations, guardrails and the server cost, each beside its floor
	@$(BIN)/python benchmarks/op_overhead.py
	@$(BIN)/python benchmarks/eval_throughput.py
	@$(BIN)/python benchmarks/guard.py
	@$(BIN)/python -m benchmarks.ingest

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "tracelm needs Python 3.11 or newer: install it, for example 'apt-get install python3'" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) comes without venv: install it, for example 'apt-get install python3-venv'" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# A marker file says for which pyproject.toml the environment was filled.
$(VENV)/.demo: $(VENV)/bin/python pyproject.toml
	@echo "Installing tracelm[demo] into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[demo]'
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml
	@echo "Installing tracelm[demo,dev] into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[demo,dev]'
	@touch $@ $(VENV)/.demo

# OpenAI's client of that time wants an httpx of that time.
$(OLDEST)/.dev: pyproject.toml
	@echo "Installing tracelm[demo,dev] with openai 1.40 into $(OLDEST) …"
	@test -n "$(PYTHON)" || { echo "tracelm needs Python 3.11 or newer" >&2; exit 1; }
	@$(PYTHON) -m venv $(OLDEST)
	@$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[demo,dev]' 'openai==1.40.*' 'httpx<0.28'
	@touch $@

docs: $(VENV)/.dev  ## write the generated pages of the reference anew
	@$(BIN)/python -m docs.generate

clean:  ## remove the environment and what tools left behind
	rm -rf $(VENV) $(OLDEST) .interop dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
