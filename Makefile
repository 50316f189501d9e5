PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
APP := examples/android_digits
DEBIAN_PACKAGES := adb qemu-user gcc g++ clang cmake ninja-build libc6-dev gcc-aarch64-linux-gnu libc6-dev-arm64-cross \
	libstdc++6-arm64-cross aapt zipalign apksigner dexdump android-framework-res maven gradle \
	gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm \
	gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf qemu-system-misc \
	libgradle-android-plugin-java gradle-debian-helper libjaxb-java libjaxb-api-java postgresql

# Children of tests would compile every source file anew: some machines forbid Python to keep what it compiled.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo apk firmware docs test test-random test-3.13 slow-test device-test device-tools lint clean

help:
	@echo "make demo       set up .venv and run the whole job on embedded real digits"
	@echo "make apk        the demo's model in a signed Android app: examples/android_digits"
	@echo "make firmware   the demo's model on an emulated Cortex-M4: examples/firmware_digits"
	@echo "make test       set up .venv and run the tests"
	@echo "make test-random  the same in a random order, whose seed is printed"
	@echo "make test-3.13  the same with Python 3.13, in a root of Debian 13 made for it (root)"
	@echo "make slow-test  the tests that need minutes or the data sets in EDGEKIT_DATA"
	@echo "make device-test  models on emulated devices; installs Debian packages (root)"
	@echo "make docs       write docs/reference from the code"
	@echo "make lint       ruff, mypy and pyright"

demo: $(READY)
	$(BIN)/edgekit demo

# The demo trains once. The script says what is missing; make device-tools installs it.
apk: $(READY)
	test -f runs/demo/models/digits_cnn_int8.tflite || $(BIN)/edgekit demo
	$(BIN)/edgekit export android runs/demo/models/digits_cnn_int8.tflite -o $(APP)/digits \
		--package com.example.digits --name DigitClassifier
	$(BIN)/python $(APP)/make_apk.py
	$(BIN)/edgekit android verify $(APP)/build/digits.apk --lock $(APP)/digits/edgekit.lock

firmware: $(READY)
	$(MAKE) -C examples/firmware_digits

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

# QEMU with its plugins (not the static build), the arm64 cross compiler, the Android client and Android's packaging tools;
# compilers and boards of microcontrollers.
device-tools: $(READY)
	dpkg -s $(DEBIAN_PACKAGES) >/dev/null 2>&1 || \
	{ apt-get update && apt-get install -y --no-install-recommends $(DEBIAN_PACKAGES); }
	command -v javac >/dev/null || apt-get install -y --no-install-recommends openjdk-17-jdk-headless
	$(BIN)/edgekit doctor --install arm64 >/dev/null
	$(BIN)/edgekit doctor --install jvm >/dev/null
	$(BIN)/edgekit doctor --install cortex_m >/dev/null
	$(BIN)/edgekit doctor --install riscv >/dev/null
	$(BIN)/edgekit doctor --install android >/dev/null

docs: $(READY)
	$(BIN)/python docs/generate.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright

# One stamp for both commands: the second run of either finds it and starts at once.
$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -e '.[dev]' -c constraints.txt
	$(BIN)/python -m pip check
	touch $(READY)

clean:
	rm -rf $(VENV) build dist runs $(APP)/build $(APP)/digits examples/firmware_digits/build *.egg-info converters/*.egg-info
