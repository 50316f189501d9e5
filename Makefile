PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help demo test slow-test lint clean

help:
	@echo "make demo       set up .venv and run the whole job on embedded real digits"
	@echo "make test       set up .venv and run the tests"
	@echo "make slow-test  the tests that need minutes or the data sets in EDGEKIT_DATA"
	@echo "make lint       ruff and mypy"

demo: $(READY)
	$(BIN)/edgekit demo

test: $(READY)
	$(BIN)/pytest -n 2

slow-test: $(READY)
	$(BIN)/pytest -n 2 -m slow

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# One stamp for both commands: the second run of either finds it and starts at once.
$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -e '.[dev]' -c constraints.txt
	$(BIN)/python -m pip check
	touch $(READY)

clean:
	rm -rf $(VENV) build dist runs *.egg-info converters/*.egg-info
