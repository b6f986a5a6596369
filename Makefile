# Everything runs in .venv, made on first use from the hash-locked requirements. `make help` lists the targets.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check

# These keep a machine busy by themselves, so no other test runs beside them.
HEAVY := tests/campaigns/test_dual_write.py tests/recovery/test_lost_cluster.py

# Many tests wait for a timeout or a server: one more at once than there are cores.
TESTS_AT_ONCE := $(shell $(PYTHON) -c 'import os; print(1 + len(os.sched_getaffinity(0)))')

.DEFAULT_GOAL := help
.PHONY: help demo test campaign lint majors lock clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(READY) ## show a centre at work, start to finish
	$(BIN)/throughline demo

test: lint ## lint, types, import rules and all tests
	$(BIN)/python -m pytest -n $(TESTS_AT_ONCE) --dist loadfile --no-loadscope-reorder $(HEAVY:%=--ignore=%)
	$(BIN)/python -m pytest -n 2 --dist loadfile $(HEAVY)

campaign: $(READY) ## workers and PostgreSQL killed again and again, a hundred lives and the demonstration; SEED=n repeats one
	$(BIN)/python -m tests.campaigns.dual_write $(if $(SEED),--seed $(SEED))
	$(BIN)/python -m tests.campaigns.postgres_killed $(if $(SEED),--seed $(SEED))
	LOST_JOURNEYS=52 $(BIN)/python -m pytest tests/recovery/test_lost_cluster.py
	$(BIN)/python -m tests.campaigns.same_events --clients 100 --weeks 8 --minutes 15 $(if $(SEED),--seed $(SEED))
	$(BIN)/python -m tests.campaigns.demo_lives --clients 115 --minutes 20 $(if $(SEED),--seed $(SEED))

lint: $(READY) ## style, types and import rules alone
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

majors: $(READY) ## fetch what PostgreSQL versions the tests can use and this machine lacks
	$(BIN)/python -m tests.eventstore.majors

lock: $(READY) ## renew requirements.lock from pyproject.toml
	$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-header --no-emit-index-url \
		--no-emit-find-links --extra dev pyproject.toml -o requirements.lock

clean: ## remove the environment and what the tools cached here
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp comes last: an interrupted installation is done again.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"Throughline needs Python 3.11 or newer, and this is %d.%d: run make PYTHON=python3.x" % sys.version_info[:2])'
	@$(PYTHON) -m venv .venv || { echo "No virtual environment could be made (Debian: apt install python3-venv)" >&2; exit 1; }
	$(PIP) install --quiet --require-hashes -r requirements.lock
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@
