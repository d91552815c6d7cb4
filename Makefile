# make demo    set everything up, then every modality through one frozen encoder
# make test    set everything up, then the tests
# make check   formatting, lint, types
# make slow    the tests that take longer than five seconds
# make bench   the benchmarks, one after the other
# make conformance  every plugin through the conformance suite, reports into docs/conformance
# make pages   the committed pages that are made from tests and docstrings
# make docs    the documentation, into dist/docs: open dist/docs/index.html
# make wheels  one wheel a distribution, into dist/

PYTHON ?= python3
# uv as installed, else one of our own in .uv, got by the interpreter's own venv and pip
UV := $(or $(shell command -v uv 2>/dev/null),.uv/bin/uv)
IN := .venv/bin

.PHONY: demo test check format slow bench conformance pages docs wheels clean

demo: .venv/ready
	$(IN)/mt demo --out demo

# one thread each: on tiny tensors more are slower, and on a busy machine very much slower
test slow: export OMP_NUM_THREADS = 1
test slow: export OPENBLAS_NUM_THREADS = 1
# the commands that tests start find modules compiled: else a start takes two to three times as long
test slow: export PYTHONDONTWRITEBYTECODE =

test: .venv/ready
	$(IN)/python -m pytest --numprocesses 2 --dist worksteal --durations 20 --durations-min 4

slow: .venv/ready
	$(IN)/python -m pytest -m slow --numprocesses 2 --dist worksteal

check: .venv/ready
	$(IN)/ruff format --check .
	$(IN)/ruff check .
	$(IN)/mypy core/src plugins/*/src tools/*/src tests/thirdparty/*/src

format: .venv/ready
	$(IN)/ruff format .
	$(IN)/ruff check --fix .

bench: .venv/ready
	for script in packed_encoder files_to_vectors feature_cache embedding_memory start_up train_step pretraining_step search; do echo "== $$script"; $(IN)/python benchmarks/$$script.py || exit 1; done

conformance: .venv/ready
	$(IN)/python benchmarks/conformance.py

pages: .venv/ready
	$(IN)/python docs/foreign_files.py
	$(IN)/python docs/author_reference.py

# without its advice, to terminals, to change to another generator
docs: .venv/ready
	NO_MKDOCS_2_WARNING=1 $(IN)/mkdocs build --strict

wheels: .venv/ready
	$(UV) build --all-packages --wheel --out-dir dist

.venv/ready: pyproject.toml core/pyproject.toml $(wildcard plugins/*/pyproject.toml tools/*/pyproject.toml) | $(UV)
	$(UV) sync --all-packages --python $(PYTHON)
	touch $@

.uv/bin/uv:
	$(PYTHON) -m venv .uv
	.uv/bin/python -m pip install --quiet --disable-pip-version-check uv

clean:
	rm -rf .venv .uv dist demo
