# microsep2: `make help` lists what can be made. Everything is set up in the tree (.venv, build).

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.ready
NEEDS := microsep2 needs make, Python 3.11 or newer with venv, and Linux on x86-64
MINUTES ?= 4
BOARD ?= unix
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test run check sizes bench package image clean needs

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

needs:
	@test "$$(uname -sm)" = "Linux x86_64" || { echo "$(NEEDS)."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "$(NEEDS): $(PYTHON) is missing or too old (PYTHON=... names another)."; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
	  || { echo "$(NEEDS): $(PYTHON) has no venv (Debian: apt-get install python3-venv)."; exit 1; }

$(STAMP): tools/requirements.txt | needs
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -r tools/requirements.txt
	@touch $@

demo: $(STAMP) ## server, site and firmware on loopback; a verdict, pictures (MINUTES=4 BOARD=unix32: its image)
	@$(PY) -m tools.demo --minutes $(MINUTES) --board $(BOARD) $(ARGS)

test: $(STAMP) ## set up and run all that CI runs: the checks and every test
	@$(PY) -m tools.check
	@$(PY) -m tools.build unix > build.log 2>&1 || { cat build.log; rm -f build.log; exit 1; }; rm -f build.log
	@$(PY) -m pytest -n auto $(ARGS)

run: $(STAMP) ## the firmware on the unix port, FLASH=dir being the device's flash; Ctrl-C ends it
	@test -n "$(FLASH)" || { echo "say FLASH=dir: the folder with config.txt, see the README"; exit 1; }
	@exec $(PY) -m tools.run "$(FLASH)"

check: $(STAMP) ## style, import rules, package rules
	@$(PY) -m tools.check

sizes: $(STAMP) ## bytecode and heap of each package and of the whole, as a table
	@$(PY) -m tools.sizes $(ARGS)

bench: $(STAMP) ## the figures of docs/DESIGN.md, as a table and as build/bench.json
	@$(PY) -m tools.bench $(ARGS)

package: $(STAMP) ## the .mpy bundle of a board in build/BOARD (BOARD=unix)
	@$(PY) -m tools.build $(BOARD)

image: BOARD := unix32
image: $(STAMP) ## a firmware image in build/BOARD (BOARD=unix32; ARGS=--tls-in-heap)
	@$(PY) -m tools.image $(BOARD) $(ARGS)

clean: ## remove what was built (not the virtual environment)
	@rm -rf build
