# make setup | demo | test | lint | clean. Parts are kept in ~/.cache/timbre (or $XDG_CACHE_HOME/timbre).
DEMO_ARGS ?=
PYTEST_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup demo test lint format unit clean

setup:
	@bash tools/setup.sh

demo: setup
	@$(BIN)/timbre demo $(DEMO_ARGS)

test: setup
	@PYTEST_ARGS="$(PYTEST_ARGS)" bash tools/tests.sh

unit: setup
	@$(BIN)/python -m pytest tests/unit $(PYTEST_ARGS)

lint: setup
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

format:
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) var build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
