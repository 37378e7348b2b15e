# `make demo` and `make test` set up what they need; a second call goes straight to work.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DOCS   := .venv-docs
WORKERS ?= 2
SOURCES := $(wildcard nbs/*.ipynb nbs/images/* captcha_fastai/*.py captcha_fastai/start/* captcha_fastai/pages/* benchmarks/*.py benchmarks/results/*.json .ci/*.py) README.md settings.ini setup.py MANIFEST.in

.PHONY: demo test retest browser-test docs prepare outputs figures clean help

help:      ## this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

demo: $(VENV)/ready   ## draw captchas, train on them, read others that were never seen (demo/)
	$(BIN)/captcha_demo --force $(DEMO)

test: $(VENV)/tested   ## style, docstrings, clean notebooks, fresh export, README and tables, a thousand broken files, nbdev_test; skipped if nothing changed since it passed
	@echo "tests passed for this state on $$(date -r $(VENV)/tested '+%Y-%m-%d %H:%M'); 'make retest' runs them again"

retest:    ## the tests, whether or not something changed
	@rm -f $(VENV)/tested
	$(MAKE) test

browser-test: $(VENV)/ready   ## the pages in Chromium: upload, camera, batch; labelling by keyboard; reading without a server; the site, if built; skipped without a browser
	$(BIN)/python .ci/browser.py --setup
	$(BIN)/python .ci/browser_label.py
	$(BIN)/python .ci/browser_reader.py
	if [ -e _docs/index.html ]; then $(BIN)/python .ci/browser_docs.py; fi

docs: $(DOCS)/ready   ## the site in _docs/, from the notebooks as they are, and a check of its links; in an environment of its own (170 MB), without the library
	$(DOCS)/bin/python .ci/docs.py

prepare: $(VENV)/ready   ## after an edit of a notebook: clean, export, README.md
	$(BIN)/nbdev_export
	$(BIN)/nbdev_clean
	$(BIN)/python .ci/fresh.py --write

outputs: $(VENV)/ready   ## run all notebooks, store their outputs, then prepare
	$(BIN)/python .ci/outputs.py
	$(MAKE) prepare

# The results that take less than ten minutes each; about 35 minutes on 2 cores that nothing else uses. Commit first: a result that
# was measured with uncommitted changes says so. Afterwards, 'make outputs' brings the tables up to date.
figures: $(VENV)/ready   ## measure again what takes less than ten minutes each: about 35 minutes
	$(BIN)/python benchmarks/routes.py                # 1 minute
	$(BIN)/python benchmarks/train.py fast            # 1
	$(BIN)/python benchmarks/folds.py captcha         # 6; writes the scores for decode.py
	$(BIN)/python benchmarks/few.py 100               # 4
	$(BIN)/python benchmarks/cost.py memory time      # 7
	$(BIN)/python benchmarks/demo.py                  # 2
	$(BIN)/python benchmarks/infer.py                 # 6
	$(BIN)/python -m pip install --quiet --disable-pip-version-check fast-ctc-decode || true
	$(BIN)/python benchmarks/decode.py                # 5

clean:     ## remove what can be made again
	rm -rf $(VENV) $(DOCS) _proc _docs build dist *.egg-info demo

$(VENV)/ready: settings.ini setup.py
	$(PYTHON) -c 'import sys; sys.exit("Python 3.10 or newer is needed; try make PYTHON=python3.12") if sys.version_info<(3,10) else 0'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	if git rev-parse --git-dir >/dev/null 2>&1; then $(BIN)/nbdev_install_hooks; fi
	touch $@

$(DOCS)/ready: settings.ini
	$(PYTHON) -m venv $(DOCS)
	sed -n 's/^docs_requirements = //p' settings.ini | xargs $(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check
	touch $@

$(VENV)/tested: $(VENV)/ready $(SOURCES)
	$(BIN)/python .ci/measure.py
	$(BIN)/python .ci/api.py
	$(BIN)/python .ci/fresh.py
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/fuzz.py 1000
	$(BIN)/python .ci/tests.py $(VENV)/summary --n_workers $(WORKERS)
	touch $@
