# `make demo` and `make test` set up what they need; a second call goes straight to work.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
WORKERS ?= 2
SOURCES := $(wildcard nbs/*.ipynb nbs/images/* captcha_fastai/*.py benchmarks/*.py benchmarks/results/*.json) README.md settings.ini setup.py

.PHONY: demo test retest browser-test prepare outputs clean help

help:      ## this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

demo: $(VENV)/ready   ## draw captchas, train on them, read others that were never seen (demo/)
	$(BIN)/captcha_demo --force $(DEMO)

test: $(VENV)/tested   ## clean notebooks, fresh export and README, nbdev_test; says so where nothing changed since it passed
	@echo "tests passed for this state on $$(date -r $(VENV)/tested '+%Y-%m-%d %H:%M'); 'make retest' runs them again"

retest: ; @rm -f $(VENV)/tested; $(MAKE) test   ## the tests, whether or not something changed

browser-test: $(VENV)/ready   ## the page in Chromium: upload, paste, keyboard, batch, camera; skipped where no browser can be had
	$(BIN)/python .ci/browser.py --setup

prepare: $(VENV)/ready   ## after an edit of a notebook: clean, export, README.md
	$(BIN)/nbdev_export
	$(BIN)/nbdev_clean
	$(BIN)/python .ci/fresh.py --write

outputs: $(VENV)/ready   ## run the notebooks whose outputs are kept (index and tutorials), then prepare
	$(BIN)/python .ci/outputs.py
	$(MAKE) prepare

clean:     ## remove what can be made again
	rm -rf $(VENV) build dist *.egg-info demo

$(VENV)/ready: settings.ini setup.py
	$(PYTHON) -c 'import sys; sys.exit("Python 3.10 or newer is needed; try make PYTHON=python3.12") if sys.version_info<(3,10) else 0'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	if git rev-parse --git-dir >/dev/null 2>&1; then $(BIN)/nbdev_install_hooks; fi
	touch $@

$(VENV)/tested: $(VENV)/ready $(SOURCES) .ci/fresh.py
	$(BIN)/python .ci/fresh.py
	OMP_NUM_THREADS=1 $(BIN)/nbdev_test --n_workers $(WORKERS) --timing
	touch $@
