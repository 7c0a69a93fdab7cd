# Everything a newcomer needs: `make demo` and `make test`. Each makes its own environment first.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST_FLAGS ?= -n 2 --dist worksteal  # neighbours share what is made for them
# setuptools warns newcomers of something that only concerns folders named like the package.
QUIETLY := PYTHONWARNINGS="ignore:Editable installation"

.PHONY: demo test test-mediapipe lint format docs clean

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "viodat needs Python 3.11 or newer; '$(PYTHON)' is older. Try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(QUIETLY) $(BIN)/pip install --quiet -c constraints.txt -e ".[dev]"
	touch $@

$(VENV)-mediapipe/.installed: pyproject.toml constraints-mediapipe.txt
	$(PYTHON) -m venv $(VENV)-mediapipe
	$(QUIETLY) $(VENV)-mediapipe/bin/pip install --quiet -c constraints-mediapipe.txt -e ".[dev,mediapipe]"
	touch $@

demo: $(VENV)/.installed  ## build a small dataset from a generated capture and say where the report is
	$(BIN)/viodat demo demo

test: $(VENV)/.installed  ## the whole test suite (MediaPipe's part: make test-mediapipe)
	$(BIN)/pytest $(PYTEST_FLAGS)

test-mediapipe: $(VENV)-mediapipe/.installed  ## the tests that need MediaPipe, which needs older numpy and pyarrow
	$(VENV)-mediapipe/bin/pytest -m mediapipe

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	rm -rf build/types && mkdir -p build/types/viodat && ln -s $(CURDIR)/viodat/* $(CURDIR)/baselines build/types/viodat/
	cd build/types && $(abspath $(BIN))/mypy --config-file ../../pyproject.toml -p viodat.baselines # which lies elsewhere
	$(BIN)/lint-imports
	$(BIN)/codespell

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.installed  ## the documentation, as HTML in docs/_build
	$(QUIETLY) $(BIN)/pip install --quiet -c constraints.txt -e ".[docs]"
	$(BIN)/sphinx-build -q -W docs docs/_build/html

clean:
	rm -rf $(VENV) $(VENV)-mediapipe demo
