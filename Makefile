# Two commands do it all: `make demo` shows what cdp-scaffold does, `make test` proves that it does.
# Both set themselves up in a private virtual environment; Python 3.10 or later and git are enough.

PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
WORKERS ?= auto

.PHONY: help demo test test-all proof lint goldens docs bench mutate clean

help: ## say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

DEMO ?= demo-shop
demo: $(READY) ## generate the four-pattern web shop into ./demo-shop and, with Terraform, run it
	@tools/demo.sh $(VENV)/bin $(DEMO)

# What more to tell pytest, and only this one: not those that tests start.
unexport OPTIONS
test: ## run all checks
test-all: ## run all checks and those too slow for every push
test-all: OPTIONS += -m ""
test test-all: $(READY) lint
	$(VENV)/bin/pytest -n $(WORKERS) --dist worksteal $(OPTIONS)

PROOF := $(wildcard $(foreach each,variants goldens gathering composition pairs proof,tests/test_$(each).py))

proof: $(READY) ## show what holds for every valid wish, and print the numbers
	$(VENV)/bin/python -m pytest -p tests.proof_report -q -n $(WORKERS) --dist worksteal $(PROOF)

lint: $(READY) ## ruff and mypy
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

goldens: $(READY) ## rewrite goldens; read the difference before you commit it
	$(VENV)/bin/pytest tests/test_goldens.py tests/test_explain.py tests/test_proof.py --update-goldens

docs: $(READY) ## rewrite the pages that are made from the catalogue
	$(VENV)/bin/python -m cdp_scaffold.pages

bench: $(READY) ## print the ratios that our claims rest on
	for each in benchmarks/*.py; do echo "== $$each"; $(VENV)/bin/python $$each || exit 1; done

SEED ?= 1
COUNT ?= 500
SHARDS ?= 2
mutate: $(READY) ## break the template in 500 small ways, and report which check notices each
	@for part in $$(seq $(SHARDS)); do \
	  $(VENV)/bin/python -m cdp_scaffold.mutation --count $(COUNT) --seed $(SEED) \
	    --shard $$part/$(SHARDS) & parts="$$parts $$!"; \
	done; for part in $$parts; do wait $$part || failed=1; done; [ -z "$$failed" ]

clean: ## remove the virtual environment and caches; a generated demo stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
