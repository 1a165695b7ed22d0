# Everything here creates what it needs: a virtual environment in $(VENV), filled by pip. Python 3.11 or newer and make
# are all that must be there.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV ?= .venv
# Options for pytest, for instance PYTEST="-x tests/store"; by default the suite runs in three processes, since many tests
# wait for processes of their own.
PYTEST ?= -n 3 -q
# Names of benchmarks and options for them, for instance BENCH="gate capture --json".
BENCH ?=
# The git revision that bench-compare compares with.
REV ?= HEAD

export PIP_DISABLE_PIP_VERSION_CHECK = 1
# What the tests and the demo start must not be switched on by the terminal they are started from.
unexport SNAPAGENT_CAPTURE_ENABLED SNAPY_CAPTURE_ENABLED SNAPAGENT_CONFIG SNAPAGENT_CAPTURE_DIR

.DEFAULT_GOAL := help
.PHONY: help demo test lint types bench bench-compare bench-plots docs clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/installed-demo  ## Real requests to a real service become bundles, and bundles become passing tests
	@$(VENV)/bin/python sitecustomize_example/demo.py

test: $(VENV)/installed-test  ## Run the whole test suite
	$(VENV)/bin/python -m pytest $(PYTEST)

lint: $(VENV)/installed-dev  ## Check style and formatting
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(VENV)/installed-dev  ## Check the types of the package
	$(VENV)/bin/mypy --strict snapagent

bench: $(VENV)/installed-test $(VENV)/installed-bench  ## Measure what capturing and replaying cost
	$(VENV)/bin/python -m benchmarks $(BENCH)

bench-compare: $(VENV)/installed-test  ## What has become faster or slower since a revision: REV=main~5
	$(VENV)/bin/python -m benchmarks.compare $(REV) $(BENCH)

bench-plots: $(VENV)/installed-test  ## Draw what was measured into docs/images
	$(VENV)/bin/python -m benchmarks.plots

docs: $(VENV)/installed-test  ## Build the documentation into site/, and check it
	$(VENV)/bin/python docs/generate.py
	$(VENV)/bin/python -m mkdocs build --strict --quiet
	$(VENV)/bin/python docs/check_site.py site
	@echo "site/index.html"

clean:  ## Remove everything that these targets made
	rm -rf .venv .venv-* dist build site .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -rf sitecustomize_example/captures sitecustomize_example/var sitecustomize_example/.pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The dependency groups of pyproject.toml, by a few lines of ours: pip reads them from 25.1 on, Python 3.11 brings 23.
$(VENV)/installed-%: pyproject.toml .ci/requirements.py | $(VENV)/bin/python
	@echo "Installing what is needed into $(VENV) (only when pyproject.toml has changed) ..."
	@$(VENV)/bin/python .ci/requirements.py $* > $(VENV)/requirements-$*.txt
	@$(VENV)/bin/python -m pip install --quiet --editable '.[test]' --requirement $(VENV)/requirements-$*.txt
	@touch $@

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; say which: make PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
