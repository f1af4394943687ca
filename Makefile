# Crossdock. `make` lists what there is.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help demo demo-once test check fix bench bench-small bench-peers bench-peers-small bench-backlog \
  bench-backlog-small bench-match bench-match-small bench-match-store simulate simulate-nightly crash crash-nightly crash-release lanes arrivals storm upgrade mutants docs new-adapter lock clean

help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.run ## A day of trade: Salesforce simulator, a real Tryton, the hub and its console
	@$(BIN)/crossdock demo

demo-once: $(VENV)/.run ## The same, then exit: 0 if every invariant held
	@$(BIN)/crossdock demo --once

test: $(VENV)/.dev ## Run the tests (what needs a service that is not here is skipped, with the reason)
	@$(PYTEST) --numprocesses 2

test-long: $(VENV)/.dev ## The tests that take long: customers between Salesforce and a real ERP, merges, a day of the demo
	@$(PYTEST) -m long

check: $(VENV)/.dev ## Lint, format, types, import contracts
	@echo "── ruff";         $(BIN)/ruff check .
	@echo "── format";       $(BIN)/ruff format --check --quiet .
	@echo "── mypy";         $(BIN)/mypy
	@echo "── import rules"; $(BIN)/lint-imports --no-logo

fix: $(VENV)/.dev ## Mend what ruff can mend
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

bench: $(VENV)/.dev ## Measure against the bare group-commit floor, in one run (PEERS=1: and beside others)
	@$(BIN)/python -m bench
	@$(if $(PEERS),$(BIN)/python -m bench.peers)

bench-small: $(VENV)/.dev ## The same in small, for a look
	@$(BIN)/python -m bench --small

bench-peers: $(VENV)/.dev ## Six durable steps on ours, DBOS, Celery and Restate, in one run
	@$(BIN)/python -m bench.peers

bench-peers-small: $(VENV)/.dev ## The same in small, for a look
	@$(BIN)/python -m bench.peers --small

simulate: $(VENV)/.dev ## Play many seeded days full of faults in simulated time: SEEDS=10000, or SEED=42 to replay one
	@$(BIN)/python -m crossdock.rehearsal.simulation $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),1000) --first $(or $(FIRST),0))

simulate-nightly: $(VENV)/.dev ## The same with a million seeds (some hours)
	@$(MAKE) simulate SEEDS=1000000

bench-backlog: $(VENV)/.dev ## A million runs that wait, parked subjects, a hot one: nothing else gets slower
	@$(BIN)/python -m bench.backlog

bench-backlog-small: $(VENV)/.dev ## The same in small, for a look
	@$(BIN)/python -m bench.backlog --small

bench-match: $(VENV)/.dev ## Who is whom: quality and speed on labelled customers, ours beside others (half an hour)
	@$(BIN)/python -m bench.match

bench-match-store: $(VENV)/.dev ## Match arrivals against the hub's own database: SIZE=1000000 parties (5 minutes), SIZE="250000 1000000" with its growth
	@$(BIN)/python -m bench.match_store --parties $(or $(SIZE),100000)

bench-match-small: $(VENV)/.dev ## The same on the small sets, for a look
	@$(BIN)/python -m bench.match --small

crash: $(VENV)/.dev ## Kill hubs, network and PostgreSQL under load, then ask the ERP what is left (3 to 5 minutes)
	@$(BIN)/python -m bench.crash

crash-nightly: $(VENV)/.dev ## The same with 20,000 orders and 2,000 deaths (hours)
	@$(BIN)/python -m bench.crash --size night

crash-release: $(VENV)/.dev ## The same with 100,000 orders and 10,000 deaths (many hours)
	@$(BIN)/python -m bench.crash --size release

lanes: $(VENV)/.dev ## Eight workers share one ERP's limits, counted in the ERP's own log
	@$(PYTEST) tests/entrypoints/worker/test_several.py --lane-workers 8

upgrade: $(VENV)/.dev ## Replace workers of one release by those of the next with 2,000 runs in flight
	@$(PYTEST) tests/entrypoints/worker/test_upgrade.py --upgrade-runs 2000

arrivals: $(VENV)/.dev ## 1,000 records of 100 people arrive at once: 100 parties, on every database and in a real Tryton
	@$(PYTEST) tests/processes/test_customer_recognition.py --arrivals 1000
	@$(PYTEST) -m long tests/adapters/tryton/test_arrivals.py --arrivals 1000

storm: $(VENV)/.dev ## 10,000 edits of customers in Salesforce and an ERP in a storm: agreement, no loop, all explained (5 minutes; ERP=tryton: a real one, hours; EDITS=1000)
	@$(PYTEST) $(if $(filter tryton,$(ERP)),-m long tests/adapters/tryton,tests/processes)/test_two_way_storm.py --storm-edits $(or $(EDITS),10000)

mutants: $(VENV)/.dev ## Switch off one guarantee at a time: the crash runs and the simulation must find out
	@$(PYTEST) -m mutants

docs: $(VENV)/.dev ## Write the tables in the pages anew from the code
	@$(BIN)/python -m docs.generate

new-adapter: $(VENV)/.dev ## Begin an adapter: make new-adapter NAME=acme
	@test -n "$(NAME)" || { echo "say which: make new-adapter NAME=acme"; exit 2; }
	@$(BIN)/python -m crossdock.testing.new_adapter $(NAME)

lock: $(VENV)/.dev ## Write the lock files anew (UPGRADE=1: and take the newest versions)
	@$(PIP) install uv
	@lock() { set=$$1; shift; $(BIN)/uv pip compile --quiet pyproject.toml "$$@" --universal \
	  --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate $(if $(UPGRADE),--upgrade) \
	  -o requirements/$$set.lock; }; \
	lock run --extra tryton --group build --extra match; \
	lock dev --extra tryton --group dev --extra nats --extra kafka --extra match; \
	lock image --group build --extra nats --extra kafka --extra match

clean: ## Forget the environment and everything built
	@rm -rf $(VENV) .crossdock build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@echo "· making a Python environment in $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Crossdock needs Python 3.11 or newer; say which: make PYTHON=python3.12")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.lock pyproject.toml | $(VENV)/bin/python
	@echo "· installing what Crossdock and a local Tryton need (about a minute the first time)"
	@$(PIP) install --require-hashes --requirement requirements/run.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.lock pyproject.toml | $(VENV)/bin/python
	@echo "· installing what the tests need (about a minute the first time)"
	@$(PIP) install --require-hashes --requirement requirements/dev.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.run
