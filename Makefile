# Two commands set everything up on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: env demo test test-quick check format app docs train-demo options screenshots fuzz kills stac-server export-tools clean

env: $(STAMP)

# pip installs torch by itself first: with a pinned torch present, no other package pulls another build.
# A card's build comes from the index that PyTorch's own page names for its driver: make env TORCH_INDEX=URL
TORCH_INDEX ?=
$(STAMP): pyproject.toml constraints.txt
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt \
		$(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[acquire,app,train,export,sar,stations,field,cluster,docs,dev]'
	touch $@

demo: env
	$(BIN)/lcz demo --out lcz-demo
	@if [ -t 0 ] && [ -t 1 ]; then $(BIN)/lcz app --show --allow lcz-demo; fi

app: env
	$(BIN)/lcz app

options: env
	$(BIN)/python -m lczlib.jobs.documentation > docs/options.md

# The documentation site, in docs/_build/html: warnings and dead links are errors, nothing is fetched.
docs: env
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html

screenshots: env
	$(BIN)/python tests/browser/screenshots.py screenshots

# The quick tests first: a mistake shows within a few minutes. Each file is one process's, and two
# share the cores: `make test JOBS=4` on a larger machine.
JOBS ?= 2
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile

test: env stac-server export-tools
	$(PYTEST) -m "not slow and not browser"
	$(PYTEST) -m "slow or browser"

test-quick: env
	$(PYTEST) -m "not slow and not browser"

# Two hundred runs are killed, and must leave what others leave (half an hour).
kills: env
	OMP_NUM_THREADS=1 $(BIN)/python tests/kills/run.py --n 200 --write benchmarks/results/kills.md

# STAC APIs that the tests of `lcz get` start, in an environment of their own, as their pins are not the
# project's: rustac, and where PostgreSQL has PostGIS the one that public services run.
STAC := .venv-stac
POSTGIS := $(firstword $(wildcard /usr/share/postgresql/*/extension/postgis.control))
STAC_STAMP := $(STAC)/.installed$(if $(POSTGIS),-pgstac)

stac-server: $(STAC_STAMP)

# What the tests of `lcz export` are held against, w2w, a checker of the CF conventions, and OGC's schema of KML
# (fastkml): in an environment of its own, as w2w pins an older rasterio.
EXPORT_TOOLS := .venv-export
EXPORT_STAMP := $(EXPORT_TOOLS)/.installed

export-tools: $(EXPORT_STAMP)

$(EXPORT_STAMP): Makefile
	test -d $(EXPORT_TOOLS) || $(PYTHON) -m venv $(EXPORT_TOOLS)
	$(EXPORT_TOOLS)/bin/python -m pip install --quiet \
		w2w==0.6.0 compliance-checker==6.1.0 fastkml==1.4.0 lxml \
		&& touch $@ || echo "w2w, compliance-checker and fastkml cannot be installed here: the tests that run them skip."

$(STAC_STAMP): Makefile
	test -d $(STAC) || $(PYTHON) -m venv $(STAC)
	$(STAC)/bin/python -m pip install --quiet rustac==0.9.18 \
		$(if $(POSTGIS),'stac-fastapi-pgstac[server]==7.2.0' 'pypgstac[psycopg]==0.10.0') \
		&& touch $@ || echo "STAC APIs cannot be installed here: the tests that start them skip."

check: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: env
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The two demo networks, anew, on simulated cities (a quarter of an hour).
train-demo: env
	$(BIN)/python -m lczlib.training.demo

# Mutated inputs for every command (an hour); the counts are kept.
fuzz: env
	$(BIN)/python tests/hostile/run.py --n 2000 --write benchmarks/results/fuzz.md

clean:
	rm -rf $(VENV) $(STAC) $(EXPORT_TOOLS) lcz-demo docs/_build
