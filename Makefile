# The commands of the project: `make` lists them. Works with GNU make 3.81 (macOS) and newer.

VENV := .venv
PY := $(VENV)/bin/python
INSTALL := $(PY) -m pip install --disable-pip-version-check
CHECKED := minigpt_core ui pages benchmarks scripts tests dashboard.py
# Two processes, a file of tests in one of them, in the order of tests/conftest.py: with three, journeys in a browser met
# their limits of time on two cores. ARGS='-n 0' takes one process.
PARALLEL := -n 2 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help run dev serve test quick checks prepared screenshots clean

help:
	@echo "make run          install what is missing and open the dashboard in the browser"
	@echo "make serve        the same, open to the network, for a class (it prints the address to give)"
	@echo "make dev          the same as run, and look again at every file you save"
	@echo "make test         every check: style, types, tests (those in a browser need Chromium or Chrome)"
	@echo "make quick        style, types, and the tests that need no browser and no whole page, in a minute"
	@echo "make prepared     train the runs that come with the program again, on one thread (some minutes)"
	@echo "make screenshots  pictures of every page, in both languages and themes, into docs/screenshots/"
	@echo "make clean        remove what these commands made here (your runs are kept)"
	@echo ""
	@echo "ARGS goes to the command behind it:  make run ARGS='--server.port 8600'  ·  make test ARGS='-k tokenizer'"

run: $(VENV)/installed
	$(PY) -m streamlit run dashboard.py $(ARGS)

dev: $(VENV)/installed
	$(PY) -m streamlit run dashboard.py --server.fileWatcherType=auto --server.runOnSave=true $(ARGS)

serve: $(VENV)/installed
	$(PY) -m scripts.serve $(ARGS)

test: checks
	$(PY) -m pytest $(PARALLEL) $(ARGS)

quick: checks
	$(PY) -m pytest --quick $(PARALLEL) $(ARGS)

checks: $(VENV)/installed-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(VENV)/bin/oxlint ui
	$(PY) -m mypy --num-workers 2 $(CHECKED)
	$(VENV)/bin/lint-imports --no-logo

prepared: $(VENV)/installed
	OMP_NUM_THREADS=1 $(PY) -m scripts.prepare_runs $(ARGS)

screenshots: $(VENV)/installed-dev
	$(PY) -m scripts.screenshots $(ARGS)

clean:
	rm -rf $(VENV) build .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is written last, so that an installation that was interrupted is done again.
$(VENV)/installed: requirements.txt
	@$(PY) -m pip --version >/dev/null 2>&1 || { python=$$(sh scripts/find_python.sh) || exit 1; \
		echo "Creating $(VENV). The first installation downloads torch and takes some minutes."; \
		"$$python" -m venv --clear $(VENV); }
	$(INSTALL) -r requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	$(INSTALL) -r requirements-dev.txt
	@touch $@
