# Everything a person does with this repository. `make` alone lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
# Containers often forbid Python to keep what it has compiled; here dozens of processes would compile the same again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-cloud demo-lake dev docs dashboard test quick proof browser snowflake test-live infra terraform-init terraform-plan terraform-apply lint style types layers sql bench lock clean sample

help: ## list what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(READY) ## install what the lock names into .venv; a second time installs nothing

# uv installs the lock in seconds where pip takes minutes; where only pip knows the way to a registry, pip does it.
$(READY): requirements.lock requirements-uv.lock pyproject.toml
	@echo "Setting up $(VENV) …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, and this is " + sys.version)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-uv.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r requirements.lock \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
	  --config-settings editable_mode=compat --editable .
	@touch $@

DOMAIN ?= vending
demo: $(READY) ## set up, then turn the sample's deliveries into marts and exports; DOMAIN=dpc for the hospitals' packages
	@$(BIN)/vending --domain $(DOMAIN) run || test $$? -eq 3
	@echo
	@$(MAKE) --no-print-directory look-next-$(DOMAIN)

.PHONY: look-next-vending look-next-dpc
look-next-dpc:
	@$(BIN)/vending --domain dpc watch
	@echo
	@echo "Look next at:  .venv/bin/vending --domain dpc status            what needs a person, and why"
	@echo "               .venv/bin/vending --domain dpc check data/dpc/sources/yyyymm=202404/400030004"
	@echo "               ls data/dpc/processed-data/*                     the exports; case_mix_public shows no small figure"
	@echo "               make dev                                        both domains in Dagster's UI, in a browser"

look-next-vending:
	@echo "Look next at:  .venv/bin/vending status            what needs a person, and why"
	@echo "               .venv/bin/vending quality           how far each table can be trusted"
	@echo "               ls data/processed-data/*            the exports; each manifest.json lists what they are made from"
	@echo "               .venv/bin/vending check data/sources/sales_VM003_20240304.csv"
	@echo "               make dev                           the same in Dagster's UI, in a browser"
	@$(BIN)/vending dashboard --into $(DATA)/dashboard >/dev/null
	@echo "               the dashboard: .venv/bin/vending serve, then http://127.0.0.1:8000; without a server of ours:"
	@echo "               python3 -m http.server --directory $(DATA)/dashboard --bind 127.0.0.1 8080"

demo-lake: $(READY) ## a database, a table of DynamoDB and web APIs: extracted, loaded, transformed, for two nights
	@$(BIN)/python -W ignore -m vending_platform_tests.emulators.lake

demo-cloud: $(READY) ## the same as in staging: S3 and Snowflake, both emulated on this machine
	@$(BIN)/python -W ignore -m vending_platform_tests.emulators.cloud

dev: $(READY) ## set up, then start Dagster's UI on http://127.0.0.1:3000
	@$(BIN)/vending dev

# dbt's own site in one file: no server, no network. What stands in it of tables is what the laptop's warehouse has.
DATA := $(or $(VENDING_DATA_DIR),data)
docs: $(READY) ## dbt's documentation of every model, column and test, as one file for a browser
	@mkdir -p $(DATA)/dbt-docs
	@$(BIN)/dbt --quiet docs generate --static --project-dir dbt_project --profiles-dir dbt_project \
	  --target-path $(abspath $(DATA))/dbt-docs --log-path $(abspath $(DATA))/dbt-docs
	@echo "Open in a browser:  $(DATA)/dbt-docs/static_index.html"

# The page is committed as it is built, so no one needs Node to use it; the engine of its SQL page is not.
dashboard: ## build the dashboard's page, with the engine of its SQL page; needs Node
	@cd dashboard && npm ci --no-audit --no-fund --silent && npm run --silent typecheck && WITH_SQL=1 npm run --silent build -- --logLevel warn
	@echo "Built into vending_platform/service/static/. Write it with your data:  .venv/bin/vending dashboard --into FOLDER"

test: $(READY) ## set up, then the tests; ALL=1 adds Snowflake's and the browser's, COVERAGE=1 measures coverage, SHUFFLE=7 shuffles
	@$(BIN)/python $(if $(COVERAGE),-m slipcover --json --out .coverage.json) -m pytest $(if $(ALL),-m "not proof and not live") $(if $(SHUFFLE),--shuffle $(SHUFFLE))
	@$(if $(COVERAGE),$(BIN)/python -m slipcover --merge .coverage.json --out .coverage.json --skip-covered --fail-under 96)

quick: $(READY) ## the tests nearest to what git reports as changed, or to PATHS, in under a minute
	@$(BIN)/python -m vending_platform_tests.quick $(PATHS)

proof: $(READY) ## the long proofs: ten times the examples, random kills, coverage, benchmarks; ONLY= runs some parts
	@$(BIN)/python -m vending_platform_tests.proofs $(ONLY)

browser: $(READY) ## use the UI in a real browser; needs Debian's chromium
	@$(BIN)/python -m pytest -m "browser and not proof" -n 0 vending_platform_tests/browser

snowflake: $(READY) ## build everything twice on an emulated Snowflake, and compare it with DuckDB
	@$(BIN)/python -m pytest -m "snowflake and not proof" vending_platform_tests/end_to_end

test-live: $(READY) ## the same on the accounts of LIVE_DATABASE and VENDING_…, if they are set
	@$(BIN)/python -m pytest -m live -n 0 -rs vending_platform_tests/end_to_end

INFRA := infra/.venv
INFRA_READY := $(INFRA)/ready
$(INFRA_READY): infra/requirements.lock | $(READY)
	@echo "Setting up $(INFRA) …"
	@test -x $(INFRA)/bin/python || $(PYTHON) -m venv $(INFRA)
	@$(BIN)/uv pip install --quiet --python $(INFRA)/bin/python --no-deps --require-hashes -r infra/requirements.lock \
	  || $(INFRA)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r infra/requirements.lock
	@touch $@

# MUTATIONS=1 puts each of two dozen faults into the code and sees that a check finds it.
infra: $(INFRA_READY) ## check the Terraform code and the workflows, without an account and a network; MUTATIONS=1 checks the checks
	@cd infra && .venv/bin/python -m pytest $(if $(MUTATIONS),-m "proof or not proof")
	@$(INFRA)/bin/checkov --directory infra/terraform --framework terraform --skip-download --compact --quiet
	@$(INFRA)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

# With an account: TF_STATE_BUCKET has the state, and TF_VALUES is a .tfvars file's content (docs/deployment.md).
ROOT = infra/terraform/environments/$(or $(ENVIRONMENT),$(error Name an environment: make $@ ENVIRONMENT=vending-staging))
TERRAFORM = terraform -chdir=$(ROOT)
terraform-init:
	@printf '%s\n' "$$TF_VALUES" > $(ROOT)/values.auto.tfvars
	@$(TERRAFORM) init -input=false -backend-config="bucket=$(or $(TF_STATE_BUCKET),$(error TF_STATE_BUCKET is not set))" \
	  -backend-config="region=$(or $(AWS_REGION),ap-northeast-1)"

terraform-plan: terraform-init ## with an account: what would change in ENVIRONMENT, also as plan.md
	@$(TERRAFORM) plan -input=false -lock-timeout=5m -out=plan
	@{ echo "### $(ENVIRONMENT)"; echo '```'; $(TERRAFORM) show -no-color plan; echo '```'; } > $(ROOT)/plan.md

terraform-apply: terraform-plan ## with an account: change ENVIRONMENT to what the code declares
	@$(TERRAFORM) apply -input=false -lock-timeout=5m plan

lint: style types layers sql ## style, types, layers of imports, and SQL style; with -j2 side by side

style: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(READY)
	@$(BIN)/mypy

layers: $(READY)
	@$(BIN)/lint-imports

sql: $(READY)
	@$(BIN)/sqlfluff lint --disable-progress-bar --nocolor -q dbt_project/models domains/dpc/models

bench: $(READY) ## run the benchmarks, each as a ratio to something run beside it
	@$(BIN)/python -m benchmarks

lock: $(READY) ## choose versions again and write requirements.lock, and that of infra/
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --upgrade pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --no-annotate --upgrade infra/requirements.in -o infra/requirements.lock
	@echo uv | $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
	  --no-annotate --upgrade - -o requirements-uv.lock

clean: ## remove what set-up and tools created; keeps deliveries, the warehouse and the quarantine
	@rm -rf $(VENV) $(INFRA) dbt_project/target data/scratch browser-screenshots .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis

# The committed sample: eight machines, two weeks, and a few deliveries that went wrong.
SAMPLE := --machines 8 --days 14 --seed 7 --untidy $(addprefix --only ,truncated_row missing corrected_short \
  bad_quantity_exponent bad_impossible_date crlf utf8_bom memo_cp932 replenishment_cp932 name_copy master_cp932)
sample: $(READY) ## write data/sources/ and data/dpc/sources/ again
	@$(BIN)/vending generate $(SAMPLE) --into data --overwrite
	@$(BIN)/python -m dpc_simulator data/dpc --hospitals 3 --months 3 --seed 7 --cases 24 --untidy
	@$(BIN)/python -W ignore -m vending_platform_tests.emulators.lake --sample
