# Everything a developer or a CI machine runs. `make` alone prints this list.
#
# Needs Python 3.11 (or newer), make and a C compiler; all else is installed below into .venv and .venv-interop,
# from the hashed files under requirements/. What is installed is remembered in a stamp file named after the
# checksum of those files, so a second run installs nothing.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(or $(shell command -v python3.11 2>/dev/null),python3)
VENV := .venv
INTEROP_VENV := .venv-interop
BIN := $(VENV)/bin
# More arguments for what a target runs: make serve ARGS="--workers 4", make test ARGS="tests/unit -k router"
ARGS ?=

checksum = $(firstword $(shell cat $(1) | cksum))
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --require-hashes
SERVE_FILES := requirements/build.txt requirements/base.txt requirements/embedded.txt
MADE := $(VENV)/.made
SERVE_STAMP := $(VENV)/.serve-$(call checksum,$(SERVE_FILES) pyproject.toml)
DEV_STAMP := $(VENV)/.dev-$(call checksum,requirements/build.txt requirements/dev.txt pyproject.toml)
INTEROP_STAMP := $(INTEROP_VENV)/.interop-$(call checksum,requirements/interop.txt)

PACKAGES := $(wildcard anvil_site control dataplane gossip s3gateway)
PROTOS := $(wildcard dataplane/native/v1/*.proto)

.PHONY: help
help: ## Print this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z][a-z-]*:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# --- Environments -------------------------------------------------------------------------------------------------

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Anvil needs Python 3.11 or newer and found %s at $(PYTHON); name another with make PYTHON=/path/to/python3.11" % sys.version.split()[0])'
	@$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) -m venv failed; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@touch $@

$(SERVE_STAMP): | $(MADE)
	@echo "Installing what a node needs into $(VENV) (once) ..."
	@$(BIN)/python $(PIP_INSTALL) $(addprefix -r ,$(SERVE_FILES))
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@rm -f $(VENV)/.serve-* && touch $@

$(DEV_STAMP): | $(MADE)
	@echo "Installing what checks and tests need into $(VENV) (once) ..."
	@$(BIN)/python $(PIP_INSTALL) -r requirements/build.txt -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@rm -f $(VENV)/.dev-* $(VENV)/.serve-* && touch $@ $(SERVE_STAMP)

$(INTEROP_STAMP):
	@echo "Installing the S3 clients of the interop tests into $(INTEROP_VENV) (once) ..."
	@$(PYTHON) -m venv $(INTEROP_VENV)
	@$(INTEROP_VENV)/bin/python $(PIP_INSTALL) -r requirements/interop.txt
	@rm -f $(INTEROP_VENV)/.interop-* && touch $@

.PHONY: install
install: $(SERVE_STAMP) ## Make .venv with what a node needs, and the `anvil` command in it

.PHONY: install-dev
install-dev: $(DEV_STAMP) ## The same, with everything that checks and tests need

# --- Running ------------------------------------------------------------------------------------------------------

.PHONY: serve
serve: $(SERVE_STAMP) ## Start one node on ./anvil-data with an embedded database (nothing else needed)
	@exec $(BIN)/python manage.py anvil_serve $(ARGS)

# --- Checking -----------------------------------------------------------------------------------------------------

.PHONY: check
check: $(DEV_STAMP) ## Style, types, import rules, migrations, system checks, tidy tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(PACKAGES) docs/generator tests/performance/bench
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check
	$(BIN)/pytest -q tests/tidy

.PHONY: format
format: $(DEV_STAMP) ## Format the code and fix what the linter can fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: system-packages
system-packages:
	@.ci/system-packages

.PHONY: test
test: $(DEV_STAMP) $(INTEROP_STAMP) system-packages ## Every test that CI runs
	$(BIN)/pytest $(ARGS)

.PHONY: bench
bench: $(SERVE_STAMP) ## Measure a fresh node: make bench ARGS="--help" says with what and against whom
	$(BIN)/python -m tests.performance.bench $(ARGS)

.PHONY: conformance
conformance: $(DEV_STAMP) ## Run a checkout of ceph/s3-tests against a fresh node: make conformance S3TESTS=DIR
	@test -n "$(S3TESTS)" || { echo "Name a checkout of https://github.com/ceph/s3-tests: make conformance S3TESTS=DIR" >&2; exit 2; }
	$(BIN)/python -m tests.conformance.s3tests --checkout "$(S3TESTS)" $(ARGS)

# --- Generating ---------------------------------------------------------------------------------------------------

.PHONY: docs
docs: $(DEV_STAMP) ## Write the reference pages anew from the tables in the code
	$(BIN)/python -m docs.generator

.PHONY: openapi
openapi: $(DEV_STAMP) ## Write docs/reference/openapi.yaml anew from the REST views
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/reference/openapi.yaml

.PHONY: proto
proto: $(DEV_STAMP) ## Compile the native API's .proto files
	$(BIN)/python -m grpc_tools.protoc -I . --python_out=. --pyi_out=. --grpc_python_out=. $(PROTOS)

UV_COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes

.PHONY: requirements
requirements: $(DEV_STAMP) ## Compile requirements/*.in; ARGS="--upgrade" takes newer versions
	$(UV_COMPILE) $(ARGS) -o requirements/build.txt requirements/build.in
	$(UV_COMPILE) $(ARGS) -o requirements/base.txt requirements/base.in
	$(UV_COMPILE) $(ARGS) -c requirements/base.txt -o requirements/embedded.txt requirements/embedded.in
	$(UV_COMPILE) $(ARGS) -c requirements/base.txt -c requirements/embedded.txt -o requirements/dev.txt requirements/dev.in
	$(UV_COMPILE) $(ARGS) -o requirements/interop.txt requirements/interop.in

.PHONY: clean
clean: ## Remove what the tools made; keeps .venv and every anvil-data directory
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .cache ./*.egg-info
	find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +
