# Everything that a developer runs. `make demo` and `make test` need nothing but Python 3.11 or newer.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --prefer-binary --constraint constraints.txt

.PHONY: demo test test-quick fuzz async-bodies lint build lock docs clean

demo: $(VENV)/.installed
	@$(BIN)/poscli demo

# Two processes a processor: much of a test's time is waiting for the processes that it starts.
TEST_PROCESSES ?= $(shell $(PYTHON) -c 'import os; print(2 * (os.cpu_count() or 1))')

# A test of real processes on a machine that others share may fail once by itself: it is run again, and named as such.
test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist worksteal --reruns 1 --rerun-show-tracebacks

# The tests of the rooms whose files differ from main, without the slow ones; of all rooms that start no processes when
# what all share differs.
test-quick: $(VENV)/.installed-test
	$(BIN)/python -m tests.quick -n $(TEST_PROCESSES) --dist worksteal

# The tests that draw at random, with 20 times what the suite draws, and every pair of the tables that it samples.
FUZZ ?= 20

fuzz: $(VENV)/.installed-test
	FUZZ=$(FUZZ) $(BIN)/python -m pytest -m fuzz -n $(TEST_PROCESSES) --dist worksteal --timeout 1200

# The tests of the language with every template compiled when it is first rendered, and not once that is worth it: but
# for those of how files are found, read, kept and parsed, and of which async bodies are run.
NOT_RENDERED = analysis files front_matter kept plan reference routing slugs starting unreadable

.PHONY: test-compiled
test-compiled: $(VENV)/.installed-test
	TEST_COMPILE=1 $(BIN)/python -m pytest tests/language --ignore tests/language/compiled \
		$(NOT_RENDERED:%=--ignore tests/language/test_%.py) -k "not async_body and not body_that_nobody_runs" \
		-n $(TEST_PROCESSES) --dist worksteal

# The tests of the face for Django on another Django than the lock's, without the rest of the suite:
# make test-django, make test-django DJANGO=6 PYTHON=python3.12
DJANGO ?= 4.2
DJANGO_VENV = .venv-django-$(DJANGO)
DJANGO_TASKS = $(if $(filter 6%,$(DJANGO)),,django-tasks)

.PHONY: test-django
test-django:
	@test -e $(DJANGO_VENV) || $(PYTHON) -m venv $(DJANGO_VENV)
	@grep -viE '^(django|asgiref|sqlparse)==' constraints.txt > $(DJANGO_VENV)/constraints.txt
	@$(DJANGO_VENV)/bin/python -m pip install --quiet --prefer-binary --constraint $(DJANGO_VENV)/constraints.txt \
		--editable . 'Django==$(DJANGO).*' $(DJANGO_TASKS) 'psycopg[binary,pool]' pytest pytest-timeout pytest-xdist anyio hypothesis
	$(DJANGO_VENV)/bin/python -m pytest tests/django -n $(TEST_PROCESSES) --dist worksteal

# Names the bodies of `async def` that no test runs; of one room's tests: make async-bodies TESTS=tests/language
async-bodies: $(VENV)/.installed-test
	$(BIN)/python -m tests.async_bodies $(TESTS)

lint: $(VENV)/.installed-test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

build: $(VENV)/.installed-test
	rm -rf dist
	$(BIN)/python -m build --no-isolation --wheel

docs: $(VENV)/.installed-test
	$(BIN)/python -m docgen

# The pictures in docs/pictures: of the dashboard, by the machine's Chromium and a real worker, about a minute; of commands.
.PHONY: pictures
pictures: $(VENV)/.installed-test
	$(BIN)/python -m tests.cli.pictures
	$(BIN)/python -m tests.browser.pictures

# The lock: exactly what an empty environment gets today. Run it, run the tests, commit both or neither.
lock:
	rm -rf build/lock
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --prefer-binary --editable '.[test]'
	build/lock/bin/python -m pip freeze --exclude-editable > constraints.txt
	rm -rf build/lock

clean:
	rm -rf $(VENV) .venv-peers .venv-django-* build dist .liquid-background-demo bench.json bench.svg scaling.svg

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 …")'
	@echo "Making $(VENV) …"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@$(INSTALL) --editable '.[web]'
	@touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt | $(BIN)/python
	@$(INSTALL) --editable '.[test]'
	@touch $@ $(VENV)/.installed

# The worker under fire: 20,000 jobs while workers and the store are killed, with 10 ms and with 0.3 ms bodies; then
# the store also fills up and stands still.
.PHONY: soak soak-stock
soak: $(VENV)/.installed-test
	$(BIN)/python -m benchmarks.soak --jobs 20000 --body 0.01
	$(BIN)/python -m benchmarks.soak --jobs 20000 --body 0.0003
	$(BIN)/python -m benchmarks.soak --jobs 20000 --body 0.01 --trouble

# Jobs, a worker and a tail while Sentinels change the primary every 15 s, for two minutes.
.PHONY: failover
failover: $(VENV)/.installed-test
	$(BIN)/python -m benchmarks.failover

# Stock RQ under the same faults, shortened.
soak-stock: $(VENV)/.installed-test
	$(BIN)/python -m benchmarks.soak --stock --jobs 1000 --workers 3

# Ours beside RQ, Huey, Dramatiq, Celery and taskiq: about 5 minutes; the full run takes about 25. Instructions need valgrind.
PEERS := .venv-peers

.PHONY: bench bench-full
bench: $(VENV)/.installed-test $(PEERS)/.installed
	$(BIN)/python benchmarks/render.py
	$(BIN)/python benchmarks/compare.py

bench-full: $(VENV)/.installed-test $(PEERS)/.installed
	$(BIN)/python benchmarks/compare.py --full

$(PEERS)/.installed: benchmarks/peers.txt
	@echo "Making $(PEERS) …"
	@$(PYTHON) -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip install --quiet --prefer-binary --requirement benchmarks/peers.txt
	@$(PEERS)/bin/python -m pip install --quiet --no-deps --editable .
	@touch $@
