# `make demo` makes a picture, `make test` runs the tests, `make help` tells the rest.
# Everything is installed into .venv on first use, and not again until pyproject.toml changes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := output/demo.png

# The facts in the notebooks are those of the embedded network, whatever else lies beside it.
EMBEDDED := NST_WEIGHTS=$(CURDIR)/pretrained-model/vgg19-embedded.mat

.DEFAULT_GOAL := help
.PHONY: help demo studio gallery test test-all check lint lab notebooks wheel try-wheel app try-app docs release grade bench clean

help:  ## Say what can be made.
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@echo "Making a Python environment in $(VENV) ..."
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 10) <= v <= (3, 13) else "Python 3.10 to 3.13 is needed, this is %d.%d: run make PYTHON=python3.11 ..." % v)'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "Installing the package and what it needs (once; a few minutes) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/.installed
	@echo "Installing what the notebooks and the tests need (once; a few minutes) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

$(VENV)/.installed-docs: pyproject.toml | $(VENV)/.installed-dev
	@echo "Installing what only the documentation needs (once) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $@

$(VENV)/.installed-bench: pyproject.toml | $(VENV)/.installed
	@echo "Installing PyTorch and a peer, which only the benchmarks need (once) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@

demo: $(VENV)/.installed  ## Paint a photograph in the manner of Van Gogh: output/demo.png.
	@echo "Painting the Summer Palace in the manner of the Café Terrace at Night ..."
	@mkdir -p $(dir $(DEMO))
	@$(BIN)/nst stylize images/content/summer-palace.jpg images/style/van-gogh-cafe-terrace-at-night-1888.webp --out $(DEMO)

gallery: $(VENV)/.installed  ## Make a picture for every control, and the page that shows them: gallery/README.md.
	@echo "Running every command of the gallery (a quarter of an hour) ..."
	@$(EMBEDDED) $(BIN)/python gallery/build.py

studio: $(VENV)/.installed-dev  ## Open the studio, a page for photo, painting and settings, in the browser.
	@$(BIN)/nst studio

test: $(VENV)/.installed-dev  ## Run all tests, those of the notebooks included.
	@(command -v chromium || command -v chromium-browser || command -v google-chrome) >/dev/null || \
		echo "There is no chromium, so the studio is not tested in a browser: get it with apt-get install chromium."
	@$(BIN)/python tests

test-all: $(VENV)/.installed-dev  ## Quick tests on Python 3.10 to 3.13, each with the oldest and the newest packages.
	@$(BIN)/python packaging/try_versions.py

check: $(VENV)/.installed-dev lint  ## In under two minutes, what a change usually breaks: style, imports, quick tests.
	@$(BIN)/python tests --quick

lint: $(VENV)/.installed-dev  ## Check the style of the code, its types, and that imports go downwards only.
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/mypy

lab: $(VENV)/.installed-dev  ## Open JupyterLab on the course.
	@$(BIN)/jupyter lab --notebook-dir notebooks notebooks/01_transfer_learning_with_vgg19.ipynb

notebooks: $(VENV)/.installed-dev  ## Write both editions of the notebooks whose source has changed.
	@$(EMBEDDED) $(BIN)/python notebooks/editions.py

wheel: $(VENV)/.installed-dev  ## Build the wheel, with model, pictures and notebooks inside: dist/.
	@rm -f dist/*.whl
	@$(BIN)/python -m build --wheel --outdir dist . > /dev/null
	@ls -sh dist

try-wheel: wheel  ## Install it alone into a new environment; demo, course and first notebook in an empty folder.
	@$(BIN)/python packaging/try_wheel.py dist/*.whl

app: $(VENV)/.installed-dev  ## Build a folder that runs without Python, with the command nst in it: dist/nst.
	@$(BIN)/python packaging/build_app.py

try-app: app  ## Move it elsewhere; every command and the studio in an empty folder, without PATH and HOME.
	@$(BIN)/python packaging/try_app.py

docs: $(VENV)/.installed-docs  ## Build the site from docs/, without a warning and with its links checked: build/docs.
	@$(BIN)/python docs/build_site.py

release: $(VENV)/.installed-dev  ## Build the assignment folder for nbgrader.
	@$(BIN)/python notebooks/course.py release

grade: $(VENV)/.installed-dev  ## Grade all submissions with nbgrader; on a cluster with SCHEDULER=tcp://...
	@$(BIN)/python notebooks/course.py grade $(if $(SCHEDULER),--scheduler $(SCHEDULER))

bench: $(VENV)/.installed-bench  ## Run the benchmarks (two and a half hours); results in benchmarks/results.
	@$(BIN)/python benchmarks/command.py
	@$(BIN)/python benchmarks/minimize.py
	@$(BIN)/python benchmarks/load.py
	@$(BIN)/python benchmarks/evaluation.py
	@$(BIN)/python benchmarks/scale.py
	@$(BIN)/python benchmarks/studio.py
	@$(BIN)/python benchmarks/fast.py
	@$(BIN)/python benchmarks/time_to_quality.py

clean:  ## Remove the environment and everything that was made.
	rm -rf $(VENV) output gallery/made/* build dist .pytest_cache .ruff_cache .mypy_cache
