# `make` alone lists what there is. Everything installs itself into .venv from the lock first.
PYTHON ?= python3
DATA_DIR ?= .data
ARGS ?=
BIN := .venv/bin
# Without compiled files each of a demo's processes starts in eight seconds, not in four.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test check retest bench faults leaks links numbers races examples screenshots lock clean chromium

help:  ## List what make can do
	@echo "make demo          Run everything here, with a demo agency in it. PORT=8000, DEMO_DATA=0 starts empty"
	@echo "make test          Run every test, the browser's too. ARGS=\"-k name\" picks some"
	@echo "make check         Lint, types, import direction, migrations, and Django's check for a deployment"
	@echo "make retest        Walk through the demo that runs, with a real browser. PORT=8000, ARGS=\"--only mail\""
	@echo "make bench         Measure, and print the ratios"
	@echo "make faults        Let 20,000 due items be worked off by processes that die. ARGS=\"--items 1000\""
	@echo "make leaks         Look for any internal word in 10,000 answers that clients can get. LEAK_RESPONSES=1000"
	@echo "make links         Let 1,000 machines and people visit proposal links. LINK_VISITS=100"
	@echo "make numbers       Compare the numbers with the diary after 10,000 random moves. NUMBERS_MOVES=1000"
	@echo "make races         Let clients and staff act at the same moment, 1,000 times each. RACE_ROUNDS=100"
	@echo "make examples      Call the write API and the reads with whatever they allow, 2,000 times each. API_EXAMPLES=100"
	@echo "make screenshots   Take the pictures in docs/screenshots/ again"
	@echo "make lock          Choose the newest versions that pyproject.toml allows, and write requirements/"
	@echo "make clean         Remove the demo's data, .venv and every cache"

demo: .venv/installed
	@exec $(BIN)/python -m zarts.demo

test: .venv/installed chromium
	@exec $(BIN)/python -m pytest -n $(or $(WORKERS),3) --dist worksteal $(ARGS)

check: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run  # here may be no tables yet
	@$(BIN)/python -m zarts.sealkeys > .venv/seal.pem
	$(DEPLOYED) SURFACE=admin $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(DEPLOYED) SURFACE=portal $(BIN)/python manage.py check --deploy --fail-level WARNING

# A deployment's environment for `check --deploy`, which connects to nothing: https, and secrets made for this run.
RANDOM_WORDS := $(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(48))'
DEPLOYED = SITE_URL=https://zarts.example PORTAL_URL=https://portal.zarts.example EMAIL_URL=smtp://mail.example:25 \
	DATABASE_URL=postgresql://zarts_app@db.example/zarts PORTAL_DATABASE_URL=postgresql://zarts_portal@db.example/zarts \
	REDIS_URL=redis://redis.example:6379/0 SECRET_KEY="$$($(RANDOM_WORDS))" PORTAL_SECRET_KEY="$$($(RANDOM_WORDS))" \
	SEAL_KEY=.venv/seal.pem SEAL_CERT=.venv/seal.pem

retest: .venv/installed chromium
	@DATA_DIR=$(DATA_DIR) CAUGHT_MAIL_DIR=$(DATA_DIR)/mail SITE_URL=http://localhost:$(or $(PORT),8000) \
		PORTAL_URL=http://localhost:$$(( $(or $(PORT),8000) + 1 )) $(BIN)/python manage.py retest $(ARGS)

bench: .venv/installed
	@exec $(BIN)/python -m bench $(ARGS)

faults: .venv/installed
	@exec $(BIN)/python -m tests.faults $(ARGS)

leaks: .venv/installed
	@LEAK_RESPONSES=$(or $(LEAK_RESPONSES),10000) $(BIN)/python -m pytest -n 0 tests/portal/test_leaks.py

links: .venv/installed
	@LINK_VISITS=$(or $(LINK_VISITS),1000) $(BIN)/python -m pytest -n 0 tests/browser/test_links.py

numbers: .venv/installed
	@NUMBERS_MOVES=$(or $(NUMBERS_MOVES),10000) $(BIN)/python -m pytest -n 0 tests/numbers/test_counters.py -k random

races: .venv/installed
	@RACE_ROUNDS=$(or $(RACE_ROUNDS),1000) $(BIN)/python -m pytest -n 0 tests/proposals/test_client_races.py \
		tests/proposals/test_signing_races.py

examples: .venv/installed
	@API_EXAMPLES=$(or $(API_EXAMPLES),2000) $(BIN)/python -m pytest -n 0 -s tests/api/test_schema.py

screenshots: .venv/installed chromium
	@exec $(BIN)/python -m tests.screenshots $(ARGS)

# One lock for every Python from 3.11 on. No address of a registry gets into it.
LOCK = $(BIN)/uv pip compile pyproject.toml --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links

lock: .venv/installed
	$(LOCK) -o requirements/base.txt
	$(LOCK) --extra dev -c requirements/base.txt -o requirements/dev.txt
	$(LOCK) --extra retest -c requirements/base.txt -c requirements/dev.txt -o requirements/retest.txt
	@if grep -nE '(https?|file)://|^ *-' requirements/*.txt | grep -v -- '--hash='; then \
		echo "An address or an option got into the lock: take it out."; exit 1; fi

clean:
	@if [ -e "$(DATA_DIR)/demo.lock" ] && command -v flock >/dev/null && ! flock -n "$(DATA_DIR)/demo.lock" true; then \
		echo "A demo is running on $(DATA_DIR). Stop it first, with Ctrl-C."; exit 1; fi
	@if [ "$(DATA_DIR)" != .data ] && [ -e "$(DATA_DIR)" ] && [ ! -e "$(DATA_DIR)/demo.lock" ]; then \
		echo "$(DATA_DIR) is no demo's folder: nothing was removed. Set DATA_DIR to the folder of a demo."; exit 1; fi
	rm -rf "$(DATA_DIR)" .venv .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# -- What the others stand on. ----------------------------------------------------------------------------------------

# The file is written last, so that an install that was interrupted starts again.
.venv/installed: requirements/dev.txt
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON). Install Python 3.11 or newer, or say where: make PYTHON=…"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$$($(PYTHON) --version) is too old: ZartsAlgo needs 3.11 or newer. Say where one is: make PYTHON=python3.12"; exit 1; }
	@$(MAKE_VENV)
	@echo "Installing into .venv …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

# Debian and Ubuntu ship Python without ensurepip: get it by apt where that is allowed, else use the pip that is there.
define MAKE_VENV
set -e; rm -rf .venv; \
if ! $(PYTHON) -c 'import ensurepip' 2>/dev/null; then \
	package=$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
	if $(AS_ROOT) true 2>/dev/null && command -v apt-get >/dev/null; then \
		echo "Installing $$package by apt …"; \
		$(AS_ROOT) sh -c "apt-get -qq update; DEBIAN_FRONTEND=noninteractive apt-get -qq install -y $$package" >/dev/null || true; \
	fi; \
fi; \
if $(PYTHON) -c 'import ensurepip' 2>/dev/null; then $(PYTHON) -m venv .venv; \
elif $(PYTHON) -m pip --version >/dev/null 2>&1; then \
	$(PYTHON) -m venv --without-pip .venv; $(PYTHON) -m pip --python .venv/bin/python install --quiet pip; \
else echo "This Python cannot make a .venv. Install $$package first: apt install $$package"; exit 1; fi
endef
AS_ROOT := $(shell [ "$$(id -u)" = 0 ] && echo env || echo sudo -n)

# The browser for the browser tests: the one that is here, else Debian's, else playwright's own. The one without windows
# is the same engine, and quicker.
chromium: .venv/installed
	@for name in chromium-headless-shell chromium chromium-browser google-chrome; do if command -v $$name >/dev/null; then exit 0; fi; done; \
	if ls "$${PLAYWRIGHT_BROWSERS_PATH:-$$HOME/.cache/ms-playwright}" 2>/dev/null | grep -q '^chromium-'; then exit 0; fi; \
	if command -v apt-get >/dev/null && $(AS_ROOT) true 2>/dev/null; then \
		echo "Installing chromium by apt …"; \
		for name in chromium-headless-shell chromium; do \
			$(AS_ROOT) sh -c "apt-get -qq update; DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $$name" >/dev/null 2>&1 || true; \
			if command -v $$name >/dev/null; then exit 0; fi; \
		done; \
	fi; \
	echo "Fetching Chromium by playwright …"; \
	$(BIN)/playwright install chromium >/dev/null 2>&1 || { \
		echo "The browser tests need Chromium, and neither apt nor playwright could bring it. Install it, such as: apt install chromium"; \
		echo "The other tests run without it: $(BIN)/python -m pytest -m 'not browser'"; exit 1; }
