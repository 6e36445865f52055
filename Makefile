# What a checkout is used with. `make` alone lists it.

PYTHON ?= python3
VENV := .venv
BREAK ?=
NAME ?=
SUITE ?= daily
UNIT := tests/unit tests/test_docs.py tests/test_examples.py
EXAMPLES := $(notdir $(patsubst %/,%,$(dir $(wildcard examples/*/opscheck.toml))))

DEMO_PACKAGES := postgresql=initdb redis-server=redis-server
TEST_PACKAGES := $(DEMO_PACKAGES) pgbouncer=pgbouncer nginx-light=nginx prometheus=prometheus \
	prometheus-node-exporter=prometheus-node-exporter prometheus-pushgateway=prometheus-pushgateway \
	rabbitmq-server=rabbitmq-server openssh-server=sshd openssh-client=ssh docker.io=dockerd \
	docker-compose=docker-compose iptables=iptables debootstrap=debootstrap sshfs=sshfs busybox-static=busybox tcsh=tcsh fish=fish \
	procps=pgrep podman=podman faketime=faketime xz-utils=xz zstd=zstd bzip2=bzip2 lz4=lz4 squashfs-tools=mksquashfs \
	squashfuse=squashfuse systemd=systemd-analyze chromium=chromium logrotate=logrotate \
	bind9=named bind9-utils=dnssec-signzone bind9-dnsutils=dig npm=npm curl=curl jq=jq parallel=parallel rsync=rsync iproute2=ip
AXE := axe-core@4.14.1

# Tests start Python some thousand times: where it may not keep what it compiles, that takes as long as the tests.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo demo-docker stack check stop test unit flips gates lowest lint docs clean demo-packages test-packages

help:
	@echo 'make demo                  starts a small shop of real servers, checks it, shows the verdicts, stops it'
	@echo 'make demo BREAK=database   the same with a fault, so that the run fails; several in quotes: BREAK="jobs queue"'
	@echo 'make demo-docker           the same with a Compose stack of eight services beside it'
	@echo 'make stack NAME=...        starts the stack of an example: $(EXAMPLES)'
	@echo 'make check NAME=... SUITE=daily   runs its inventory against it'
	@echo 'make stop NAME=...         stops it'
	@echo 'make test                  installs what the tests need, and runs them'
	@echo 'make unit                  runs the tests that need no server, no Docker and no other program, and are quick'
	@echo 'make flips NAME=...        makes every fault of every example, or of one; the tests make one for each expectation'
	@echo 'make gates                 deploys builds with faults on real stacks, and times what the gate says; an hour and a half'
	@echo 'make lowest                runs the unit tests and the demo with the lowest versions that pyproject.toml allows'
	@echo 'make lint                  ruff, mypy, and whether imports lead to the rooms below'
	@echo 'make docs                  builds the site out of docs/ into build/site, with each warning as an error'
	@echo 'make clean                 removes .venv and caches'

demo: demo-packages $(VENV)/installed
	@$(VENV)/bin/python demo/run.py $(BREAK)

demo-docker: demo-packages $(VENV)/installed
	@$(VENV)/bin/python demo/with_docker.py $(BREAK)

stack check stop: $(VENV)/installed-examples
	@$(VENV)/bin/python -m examples.stack $@ $(NAME) $(if $(filter check,$@),$(SUITE))

test: test-packages $(VENV)/installed-dev $(VENV)/node_modules/axe-core/axe.min.js
	tests/with-docker $(VENV)/bin/pytest -n 4 --dist loadfile --ignore tests/live/test_flips.py
	tests/with-docker $(VENV)/bin/pytest -n 3 --dist loadfile tests/live/test_flips.py -m 'not again'

unit: $(VENV)/installed-dev
	$(VENV)/bin/pytest -n auto --dist worksteal -m 'not server and not slow' $(UNIT)

flips: test-packages $(VENV)/installed-dev
	tests/with-docker $(VENV)/bin/pytest tests/live/test_flips.py $(if $(NAME),-k '$(NAME)')

gates: test-packages $(VENV)/installed-dev
	tests/with-docker $(VENV)/bin/pytest tests/gates -s $(if $(NAME),-k '$(NAME)')

lowest: test-packages $(VENV)-lowest/installed
	tests/with-docker $(VENV)-lowest/bin/pytest -n 3 --dist loadfile tests/unit tests/live/test_demo.py

lint: $(VENV)/installed-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-logo
	$(VENV)/bin/validate-pyproject pyproject.toml

# Not --quiet: it hides warnings from --strict too.
docs: $(VENV)/installed-dev
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict --site-dir build/site

clean:
	rm -rf $(VENV) $(VENV)-lowest .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist *.egg-info

demo-packages:
	@demo/debian-packages optional $(DEMO_PACKAGES)

test-packages:
	@demo/debian-packages required $(TEST_PACKAGES)

# The files named `installed` carry the time of the last installation: it is done anew only where pyproject.toml is newer.

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one: make PYTHON=python3.12")'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || demo/debian-packages required python3-venv=-
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml | $(VENV)/bin/python
	@echo 'Installing into $(VENV) ...'
	@$(VENV)/bin/python -m pip install -q --disable-pip-version-check -e '.[demo]'
	@touch $@

$(VENV)/installed-examples: pyproject.toml | $(VENV)/bin/python
	@echo 'Installing into $(VENV), with what the examples need ...'
	@$(VENV)/bin/python -m pip install -q --disable-pip-version-check -e '.[demo,s3]'
	@touch $@ $(VENV)/installed

$(VENV)/installed-dev: pyproject.toml | $(VENV)/bin/python
	@echo 'Installing into $(VENV), with what the tests need ...'
	@$(VENV)/bin/python -m pip install -q --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/installed $(VENV)/installed-examples

# By this the tests look for what keeps people from reading a page.
$(VENV)/node_modules/axe-core/axe.min.js: | $(VENV)/bin/python
	@npm install --silent --no-audit --no-fund --prefix $(VENV) $(AXE)

$(VENV)-lowest/installed: pyproject.toml tests/lowest.txt
	@echo 'Installing the lowest versions into $(VENV)-lowest ...'
	$(PYTHON) -m venv $(VENV)-lowest
	@$(VENV)-lowest/bin/python -m pip install -q --disable-pip-version-check -c tests/lowest.txt -e '.[dev]'
	@touch $@
