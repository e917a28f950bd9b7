# make demo        a board learns handwritten digits, in an emulator
# make test        the tests that every change must pass; make test-fast: the quickest of them,
#                  make test-slow: also those that take long
# make lint        the style of Python and C, and Python's types; make test does it too
# make wheel       dist/edgetune-*.whl
# make fuzz        a hundred thousand broken model files: each refused in words, or a model that
#                  runs; takes minutes, FUZZ="--seed 2 --count 1000" for others
# make fuzz-link   a hundred thousand conversations with devices that answer anything at all
# make line-faults  what a bad line costs, at four rates of faults; FAULTS="--device qemu" in QEMU
# make fuzz-requests  ten million requests of a hostile host to firmware with a small model
# make fuzz-store  ten million broken contents of a board's flash: the store of weights refuses or
#                  mends each; takes minutes, FUZZ="--seed 2 --count 1000" for others
# make calibrate   measure what the firmware's parts cost, for `edgetune plan`; takes minutes
# make pages       docs/boards, from the boards' data, the table of docs/operators.md, the reference,
#                  the types of the public names, and what the notebooks give
# make docs        the documentation's site, build/site, and man pages, build/man; no warning passes
# make clean       remove what these made
# Each does its own set-up, apt packages included.

PYTHON ?= python3
VENV = .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST = $(BIN)/python -m pytest -q -n auto --dist worksteal  # neighbours share fixtures
DIGITS = examples/digits
C_FILES = $(shell find firmware host tests tools examples/product -name '*.[ch]' -not -path 'tests/regressions/*' -not -path '*/build/*')
STYLE = $(BIN)/ruff check --quiet && $(BIN)/mypy --no-error-summary && \
	$(BIN)/clang-format --dry-run -Werror $(C_FILES)

unexport PYTHONDONTWRITEBYTECODE  # the tests start many interpreters
.PHONY: demo test test-fast test-slow lint wheel fuzz fuzz-link fuzz-requests fuzz-store line-faults calibrate pages docs clean
demo: $(VENV)/installed
	$(BIN)/edgetune tune $(DIGITS)/digits_int8.tflite --board stm32f4-discovery --device qemu \
		--data $(DIGITS)/digits.npz

test: $(VENV)/test-installed
	$(PYTEST) -m "not slow"
	@$(STYLE)

test-fast: $(VENV)/test-installed
	$(PYTEST) -m "not slow and not thorough"

test-slow: $(VENV)/test-installed
	$(PYTEST)

lint: $(VENV)/test-installed
	@$(STYLE)

wheel: $(VENV)/test-installed
	$(BIN)/python -m build --wheel --outdir dist

fuzz: $(VENV)/test-installed
	$(BIN)/python tools/fuzz_models.py $(FUZZ)

fuzz-link: $(VENV)/test-installed
	$(BIN)/python tools/fuzz_replies.py $(FUZZ)

fuzz-requests: $(VENV)/test-installed
	$(BIN)/python tools/fuzz_requests.py $(FUZZ)

fuzz-store: $(VENV)/test-installed
	$(BIN)/python tools/fuzz_store.py $(FUZZ)

line-faults: $(VENV)/test-installed
	$(BIN)/python tools/line_faults.py $(FAULTS)

calibrate: $(VENV)/test-installed
	$(BIN)/python tools/calibrate.py

pages: $(VENV)/test-installed
	$(BIN)/python tools/board_pages.py
	$(BIN)/python tools/operator_page.py
	$(BIN)/python tools/public_names.py
	$(BIN)/python tools/reference_pages.py
	$(BIN)/python tools/notebooks.py

docs: $(VENV)/docs-installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	$(BIN)/python tools/man_pages.py build/man

$(VENV)/system: tools/system_packages.sh
	sh tools/system_packages.sh
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed; name one: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/installed: $(VENV)/system pyproject.toml
	$(PIP) install -e .
	touch $@

$(VENV)/test-installed: $(VENV)/installed tools/browser_package.sh
	sh tools/browser_package.sh
	$(PIP) install -e '.[test]'
	touch $@

$(VENV)/docs-installed: $(VENV)/installed
	$(PIP) install -e '.[docs]'
	touch $@

clean:
	rm -rf $(VENV) build dist runs .pytest_cache .ruff_cache .mypy_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
