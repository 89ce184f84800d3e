# Everything a newcomer needs: Python 3.11 or newer, and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The folder is part of the name: a copied or moved virtual environment still runs the code it was made for.
STAMP := $(VENV)/installed-$(shell pwd -P | cksum | cut -d ' ' -f 1)
USABLE := grep -qsF "$$(pwd -P)/$(VENV)" $(BIN)/activate && $(BIN)/python -m pip --version >/dev/null 2>&1
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
LOCK_VENV := $(VENV)-lock
LOCK = $(LOCK_VENV)/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help install demo test lint bench chaos docs lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

install: $(STAMP) ## everything into .venv (PYTHON=... chooses the Python)

demo: $(STAMP) ## Playbook 17 from real webhook payloads, days as seconds (KEEP=1 leaves it running)
	@$(BIN)/ovation demo $(if $(filter-out 0,$(KEEP)),--keep)

# Three at once, a file each: many tests wait for a clock or a process that was killed, not for a processor.
test: $(STAMP) ## the whole test suite (ARGS=... goes to pytest)
	@$(BIN)/pytest -n 3 --dist loadfile $(ARGS)

lint: $(STAMP) ## style, types, and which room may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(STAMP) ## the benchmark table, as ratios
	@$(BIN)/python -m tests.bench

chaos: $(STAMP) ## a thousand referrals through crashes; three books must agree (ARGS=--seed 7)
	@$(BIN)/python -m tests.chaos --referrals 1000 $(ARGS)

lock: ## brings both locks up to pyproject.toml, with uv (ARGS=--upgrade: to the newest versions)
	$(PYTHON) -m venv --clear $(LOCK_VENV)
	$(LOCK_VENV)/bin/python -m pip --quiet --disable-pip-version-check install uv
	$(LOCK) --extra dev $(ARGS) -o requirements.lock
	$(LOCK) --constraint requirements.lock -o requirements.production.lock
	rm -rf $(LOCK_VENV)

docs: $(STAMP) ## the generated parts of the documentation and its pictures
	@$(BIN)/python -m tests.docs

clean: ## removes what was installed, built and recorded (.venv, caches, .ovation); stop `ovation up` first
	@case "$$(cat .ovation/postgres/location 2>/dev/null)" in \
		*/ovation/data-*) rm -rf "$$(cat .ovation/postgres/location)" ;; esac
	rm -rf $(VENV) $(LOCK_VENV) .ovation build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Ovation needs Python 3.11 or newer; $(PYTHON) is: $$($(PYTHON) --version 2>&1)"; \
		echo "Name another one: make PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments: install its venv package (Debian, Ubuntu: apt install python3-venv)"; exit 1; }
	@echo "install 1/3: virtual environment in $(VENV)"
	@rm -f $(VENV)/installed-*
	@{ $(USABLE); } || $(PYTHON) -m venv --clear $(VENV)
	@echo "install 2/3: dependencies, as pinned in requirements.lock (a minute or two the first time)"
	@$(PIP) install --require-hashes -r requirements.lock
	@echo "install 3/3: Ovation itself"
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@
