PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEBIAN_PACKAGES := adb qemu-user gcc libc6-dev gcc-aarch64-linux-gnu libc6-dev-arm64-cross \
	libstdc++6-arm64-cross aapt zipalign apksigner android-framework-res maven

.PHONY: help demo docs test test-random test-3.13 slow-test device-test device-tools lint clean

help:
	@echo "make demo       set up .venv and run the whole job on embedded real digits"
	@echo "make test       set up .venv and run the tests"
	@echo "make test-random  the same in a random order, whose seed is printed"
	@echo "make test-3.13  the same with Python 3.13, in a root of Debian 13 made for it (root)"
	@echo "make slow-test  the tests that need minutes or the data sets in EDGEKIT_DATA"
	@echo "make device-test  models on emulated devices; installs Debian packages (root)"
	@echo "make docs       write docs/reference from the code"
	@echo "make lint       ruff and mypy"

demo: $(READY)
	$(BIN)/edgekit demo

test: $(READY)
	$(BIN)/pytest -n 2 --dist worksteal

test-random: $(READY)
	$(BIN)/pytest -n 2 --dist worksteal -p randomly --randomly-dont-reset-seed

test-3.13:
	tools/in_debian trixie make test

slow-test: $(READY)
	$(BIN)/pytest -n 2 --dist worksteal -m slow

device-test: device-tools
	$(BIN)/pytest -n 2 --dist worksteal -m "slow or not slow" device_tests

# QEMU with its plugins (not the static build), the arm64 cross compiler, the Android client and Android's packaging tools.
device-tools: $(READY)
	dpkg -s $(DEBIAN_PACKAGES) >/dev/null 2>&1 || \
	{ apt-get update && apt-get install -y --no-install-recommends $(DEBIAN_PACKAGES); }
	command -v javac >/dev/null || apt-get install -y --no-install-recommends openjdk-17-jdk-headless
	$(BIN)/edgekit doctor --install arm64 >/dev/null

docs: $(READY)
	$(BIN)/python docs/generate.py

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
