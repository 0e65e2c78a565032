# The two commands are `make run` and `make test`; they need Python 3.11 or newer and make.
# Settings of `make run`: PORT, COUNTERSIGN_HOME, DATABASE_URL, BROKER_URL, COUNTERSIGN_DEMO=0.
# Settings of `make test`: CHROMIUM, COUNTERSIGN_REQUIRE_BROWSER=1, COUNTERSIGN_DIFFERENTIAL=1000000
# (random conditions that two engines must agree on, else 20000), COUNTERSIGN_DIFFERENTIAL_SEED.

.DEFAULT_GOAL := help
.PHONY: help run test check bench lock clean install install-dev \
	check-lint check-format check-types check-imports check-templates check-django \
	check-migrations check-shell

# The newest Python that is known to work; `make run PYTHON=...` chooses another.
ifndef PYTHON
PYTHON := $(shell for name in python3.13 python3.12 python3.11 python3 python; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { command -v "$$name"; break; }; done)
endif
VENV := .venv/bin
CORES := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
ARGS ?=

# What settings need to be imported.
DJANGO := env SECRET_KEY=only-for-the-checks DATABASE_URL=postgresql://nobody@127.0.0.1:1/none
LOCK := uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
	--python-version 3.11 --custom-compile-command "make lock" $(ARGS)

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: install ## Start everything in the foreground; Ctrl-C stops it
	@exec $(VENV)/python -m portal.runner --with-parent

test: install-dev ## Check the code, then run all tests (ARGS="tests/unit -k digest" for some)
	@$(VENV)/python -m portal.runner.browser
	@status=0; \
	$(MAKE) --no-print-directory check || status=1; \
	$(VENV)/python -m pytest -n $(CORES) --dist loadgroup $(ARGS) || status=$$?; \
	exit $$status

check: install-dev ## Lint, format, types, imports, templates, migrations, shell; reports all
	@$(MAKE) --no-print-directory --keep-going check-lint check-format check-types \
		check-imports check-templates check-django check-migrations check-shell

check-lint:
	@$(VENV)/python -m ruff check

check-format:
	@$(VENV)/python -m ruff format --check

check-types:
	@$(DJANGO) $(VENV)/python -m mypy portal policies approvals

check-imports:
	@$(VENV)/python $(VENV)/lint-imports --no-logo

check-templates:
	@if [ -d templates ]; then $(VENV)/python -m djlint templates --lint --quiet; fi

check-django:
	@$(DJANGO) $(VENV)/python manage.py check

check-migrations:
	@$(DJANGO) $(VENV)/python -m portal.runner.with_database \
		$(VENV)/python manage.py makemigrations --check --dry-run

check-shell:
	@files=$$(find plugins .ci -name '*.sh' -o -path .ci/run); \
	[ -z "$$files" ] || $(VENV)/shellcheck $$files

bench: install-dev ## The speed promises, as ratios
	@$(VENV)/python -m bench $(ARGS)

lock: ## Renew the hashed lock files (needs uv; ARGS=--upgrade for newer versions)
	$(LOCK) pyproject.toml -o requirements.txt
	$(LOCK) --group embedded -c requirements.txt -o requirements-embedded.txt
	$(LOCK) --group dev -c requirements.txt -o requirements-dev.txt

clean: ## Remove .venv and caches; the state directory stays
	rm -rf .venv .ruff_cache .mypy_cache .pytest_cache .import_linter_cache .hypothesis \
		.grimp_cache test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

install: python
	@"$(PYTHON)" portal/runner/install.py

install-dev: python
	@"$(PYTHON)" portal/runner/install.py --dev

.PHONY: python
python:
	@[ -n "$(PYTHON)" ] || { \
		echo "Countersign needs Python 3.11 or newer; none of python3.13, python3.12,"; \
		echo "python3.11, python3 is one. Install it, or: make run PYTHON=/path/to/python3"; \
		exit 1; } >&2
