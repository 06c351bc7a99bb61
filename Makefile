# Everything you can do with this repository. Start with `make` alone.

PYTHON ?= python3
BIN := .venv/bin
LOCAL := $(BIN)/python -m deploy.local

.DEFAULT_GOAL := help
.PHONY: help setup proto lock fmt check test test-unit test-servers test-cluster up down status logs demo replay audit import verify bench bench-events bench-product bench-payment bench-fulfillment stress events provision psp webhooks reconcile sagas saga-bench dead-letters replay-events rebuild-history docs golden clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: gen/.built  ## Install everything into .venv

.venv/.installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv || { echo "cannot make .venv: install Python 3.11 or newer with its venv module (Debian: python3-venv), or name one: make setup PYTHON=…"; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.txt
	mkdir -p gen
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

proto:  ## Write gen/ anew from protos/
	rm -f gen/.built
	$(MAKE) gen/.built

gen/.built: .venv/.installed scripts/build_protos.sh $(shell find protos -name '*.proto')
	sh scripts/build_protos.sh

lock: .venv/.installed  ## Renew requirements.txt from pyproject.toml
	sh scripts/lock.sh

fmt: setup  ## Format everything
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/buf format --write protos

check: setup  ## Lint, types, contracts, architecture: all that needs no running thing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	sh scripts/check_protos.sh

# Most of the time they wait for servers: two at a time share it.
test: setup  ## All tests; they start their own servers
	$(MAKE) --jobs=2 --output-sync=line --no-print-directory test-cluster test-servers test-unit

test-cluster: setup  ## Those of whole clusters and of the commands: minutes
	$(BIN)/pytest tests/e2e tests/integration/deploy tests/integration/local

test-servers: setup  ## Those of one service on real servers: minutes
	$(BIN)/pytest tests/integration tests/race tests/stress --ignore tests/integration/deploy --ignore tests/integration/local

test-unit: setup  ## Unit and architecture tests: seconds, no server
	$(BIN)/pytest tests/unit tests/architecture

up: setup  ## Start the local cluster (REPLICAS=2, NATS_NODES=3, PROVIDERS=file)
	$(LOCAL) up

down:  ## Stop it; its data stay in .run/
	@test ! -x $(BIN)/python || $(LOCAL) down

status: setup  ## Health, restarts and memory of every process
	$(LOCAL) status

logs: setup  ## Show the logs (SERVICE=order-1, FOLLOW=1)
	$(LOCAL) logs $(SERVICE) $(if $(FOLLOW),--follow)

demo: setup  ## Orders from place to delivery, shown and checked
	$(LOCAL) demo

replay: setup  ## Real invoices as orders and returns (DATA=file or folder, SPEED=max or ×real time, LIMIT=, KILL=order KILLS=10)
	@test -n "$(DATA)" || { echo "say which invoices: make replay DATA=invoices.csv.xz"; exit 2; }
	$(LOCAL) up
	$(LOCAL) replay $(DATA) $(if $(SPEED),--speed $(SPEED)) $(if $(LIMIT),--limit $(LIMIT)) $(if $(KILL),--kill $(KILL)) $(if $(KILLS),--kills $(KILLS))

audit: setup  ## What was replayed beside its file, to the unit and the penny (DATA=file or folder, LIMIT=, JSON=1)
	@test -n "$(DATA)" || { echo "say which invoices: make audit DATA=invoices.csv.xz"; exit 2; }
	@$(LOCAL) audit $(DATA) $(if $(LIMIT),--limit $(LIMIT)) $(if $(JSON),--json)

import: setup  ## Products from a CSV file into the running cluster (FILE=catalog.csv, REFUSED=refused.csv)
	@test -n "$(FILE)" || { echo "say which products: make import FILE=catalog.csv"; exit 2; }
	$(LOCAL) import $(FILE) $(if $(REFUSED),--refused $(REFUSED))

verify: setup  ## Check every invariant on the databases and streams of the running cluster
	$(LOCAL) verify

# gRPC would complain whenever a program is started beside open channels, which does not care. It
# reads this before any line of ours runs.
bench: export GRPC_ENABLE_FORK_SUPPORT = false
bench: setup  ## Orders placed → completed: rates, times, costs, beside the limits (ONLY=, ORDERS=, IN_FLIGHT=, BATCH=, ROUNDS=, KEPT=, OUT=, JSON=1)
	@$(LOCAL) bench $(foreach part,$(ONLY),--only $(part)) $(if $(ORDERS),--orders $(ORDERS)) $(if $(IN_FLIGHT),--in-flight $(IN_FLIGHT)) $(if $(BATCH),--batch $(BATCH)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(KEPT),--kept $(KEPT)) $(if $(OUT),--out $(OUT)) $(if $(JSON),--json)

bench-events: setup  ## Events per second and their lag, beside PostgreSQL and JetStream alone (EVENTS=, SECONDS=)
	$(LOCAL) bench-events $(if $(EVENTS),--events $(EVENTS)) $(if $(SECONDS),--seconds $(SECONDS))

bench-product: setup  ## Reads, reservations on hot SKUs and searches, beside their limits (ONLY=, ROUNDS=, VARIANTS=, JSON=1)
	@$(LOCAL) bench-product $(if $(ONLY),--only $(ONLY)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(VARIANTS),--variants $(VARIANTS)) $(if $(JSON),--json)

bench-payment: export GRPC_ENABLE_FORK_SUPPORT = false
bench-payment: setup  ## Authorizations, captures, bookings and reading the books, beside their limits (ONLY=, ROUNDS=, ENTRIES=, JSON=1)
	@$(LOCAL) bench-payment $(if $(ONLY),--only $(ONLY)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(ENTRIES),--entries $(ENTRIES)) $(if $(JSON),--json)

bench-fulfillment: export GRPC_ENABLE_FORK_SUPPORT = false
bench-fulfillment: setup  ## Offers, parcels and returns, one by one and settled, with few and many kept, beside their limits (ONLY=, ROUNDS=, KEPT=, JSON=1)
	@$(LOCAL) bench-fulfillment $(if $(ONLY),--only $(ONLY)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(KEPT),--kept $(KEPT)) $(if $(JSON),--json)

events: setup  ## How events flow: what waits, what was published, who is behind
	@$(LOCAL) events $(if $(JSON),--json)

provision: setup  ## Make databases, streams and consumers that are missing in the running cluster
	$(BIN)/python -m deploy.local.provision .run && echo "All databases, streams and consumers are there."

dead-letters: setup  ## Events that were given up, by cause (DO="show ID", DO="redrive --like ID --yes")
	@$(LOCAL) dead-letters $(DO)

psp: setup  ## What the simulated PSP holds and does wrong (DO="fault capture error_after_success --next 3", dispute, settle, behave)
	@$(LOCAL) psp $(DO)

webhooks: setup  ## Webhooks of the PSP that wait or were given up, and why (DO="retry ID", DO="discard ID")
	@$(LOCAL) webhooks $(DO)

reconcile: setup  ## What the PSP has moved, held beside the books (FILE=report.csv, DO=list, DO="resolve ID --reason TEXT", JSON=1)
	@$(LOCAL) reconcile $(if $(JSON),--json) $(if $(FILE),file $(FILE)) $(DO)

sagas: setup  ## What orders wait for, and since when (DO="retry ORDER --reason TEXT", also skip, compensate)
	@$(LOCAL) sagas $(DO)

saga-bench: setup  ## Lives of orders in which everything goes wrong, by the thousand (SEEDS=, FROM=, SEED=)
	$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED)) $(if $(FROM),--from $(FROM)) $(if $(SEEDS),--seeds $(SEEDS))

replay-events: setup  ## Publish events again (SERVICE=order, SINCE= or AGGREGATE= or SEQUENCES=, YES=1)
	@test -n "$(SERVICE)" || { echo "say whose events: make replay-events SERVICE=order SINCE=2026-01-31T12:00Z"; exit 2; }
	$(LOCAL) replay-events $(SERVICE) $(if $(SINCE),--since "$(SINCE)") $(if $(AGGREGATE),--aggregate $(AGGREGATE)) $(if $(SEQUENCES),--sequences $(SEQUENCES)) $(if $(UNTIL),--until "$(UNTIL)") $(if $(filter 1 yes,$(YES)),--yes)

stress: setup  ## Kill, freeze and repeat under load, then count what was lost (SECONDS=, EVENTS=, SEED=, JSON=1)
	@$(BIN)/python -m tests.stress $(if $(SECONDS),--seconds $(SECONDS)) $(if $(EVENTS),--events $(EVENTS)) $(if $(SEED),--seed $(SEED)) $(if $(JSON),--json)

rebuild-history: setup  ## The history of orders anew from the streams of the running cluster (JSON=1)
	@$(LOCAL) rebuild-history $(if $(JSON),--json)

docs: setup  ## Write the generated pages of docs/ anew
	$(BIN)/python scripts/configuration.py
	$(BIN)/python scripts/asyncapi.py
	$(BIN)/python scripts/metrics.py

golden: setup  ## Record what messages look like in bytes, for later versions to read
	$(BIN)/python scripts/golden.py

clean: down  ## Remove everything that can be made again, and the cluster's data
	rm -rf .venv gen .run .mypy_cache .ruff_cache .pytest_cache
