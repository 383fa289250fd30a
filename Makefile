# Everything a newcomer types. The work itself is in scripts/.
SHELL := /bin/sh
BIN := .venv/bin
READY := .venv/.ready
CHECKS := .parley/checks/.ready

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  %-16s %s\n", $$1, $$2 }'

$(READY): requirements.lock pyproject.toml scripts/setup.sh
	@scripts/setup.sh

$(CHECKS): $(READY) locks/checks.lock scripts/checks.sh
	@scripts/checks.sh

.PHONY: setup
setup: $(READY) ## Create .venv with everything in it; instant when nothing changed
	@echo "Ready: make run, make test"

.PHONY: run
run: $(READY) ## Start every service; REPLICAS=2 for two of each, PARLEY_GATEWAY_PORT for another port
	@exec $(BIN)/parley run

.PHONY: test
test: $(READY) ## Run all tests; what is missing on this machine is named at the end
	@$(BIN)/python -m pytest -n 3 $(ARGS)

.PHONY: lint
lint: $(READY) ## Style, layers, types, locks, generated files
	@scripts/lint.sh

.PHONY: check
check: lint test ## What CI runs

.PHONY: security
security: $(CHECKS) ## Known holes in the locks, secrets in the repository, licences; ARGS=--offline without the holes
	@scripts/security.sh $(ARGS)

.PHONY: workflows
workflows: $(CHECKS) ## Check what .github/ has for the pipeline
	@scripts/workflows.sh

.PHONY: sbom
sbom: $(CHECKS) ## Write what each service is made of into build/sbom
	@scripts/images/sbom.sh

.PHONY: scan
scan: ## Look for known holes in the images that were built, with Trivy
	@scripts/images/scan.sh

.PHONY: deploy
deploy: $(READY) ## Bring HEAD to a cluster, with a way back; OVERLAY=dev, TAG=v1.2.3, REGISTRY=host/team
	@scripts/deploy.sh

.PHONY: wheels
wheels: $(READY) ## Build and try what a release carries: build/dist
	@$(BIN)/python -m scripts.release.build

.PHONY: release
release: $(READY) ## Make version, changelog, wheels and the signed tag; VERSION=1.2.3
	@$(BIN)/python -m scripts.release $(VERSION) $(ARGS)

.PHONY: release-check
release-check: $(READY) ## Is the tag TAG what a release may be made of?
	@$(BIN)/python -m scripts.release.check "$(TAG)"

.PHONY: bench
bench: $(READY) ## Measure calls in real time; ARGS are passed on
	@$(BIN)/python -m bench $(ARGS)

.PHONY: bench-largest
bench-largest: $(READY) ## Find how many calls one core carries; ARGS are passed on
	@$(BIN)/python -m bench.largest $(ARGS)

.PHONY: bench-durability
bench-durability: $(READY) ## Measure what keeping a call costs its caller; ARGS are passed on
	@$(BIN)/python -m bench.durability $(ARGS)

.PHONY: bench-records
bench-records: $(READY) ## Measure how fast backoffice catches up with a backlog of events; ARGS=--postgres
	@$(BIN)/python -m bench.records $(ARGS)

.PHONY: bench-lists
bench-lists: $(READY) ## Measure the lists of the operators' API with 10,000 calls on record; ARGS are passed on
	@$(BIN)/python -m bench.lists $(ARGS)

.PHONY: bench-turns
bench-turns: $(READY) ## Measure interruptions, noises, pauses; ARGS=--short for a quick look
	@$(BIN)/python -m bench.endpointing
	@$(BIN)/python -m bench.barge_in $(ARGS)

.PHONY: chaos
chaos: $(READY) ## Kill what serves calls and measure what callers notice; CELL=kill/stt/speaking for one cell
	@CELL="$(CELL)" $(BIN)/python -m bench.chaos $(ARGS)

.PHONY: soak
soak: $(READY) ## Many calls for a long time: memory, tasks, files; DURATION=120 N=10 for a short look
	@DURATION="$(DURATION)" N="$(N)" $(BIN)/python -m bench.soak $(ARGS)

.PHONY: scale
scale: $(READY) ## Try what `parley size` says, as far as one machine goes; ARGS="--parts nats" for one part, ARGS=--write
	@$(BIN)/python -m bench.scale $(ARGS)

.PHONY: day
day: $(READY) ## Play days of calls against the scaling rule, in made-up time; ARGS=--write
	@$(BIN)/python -m bench.day $(ARGS)

.PHONY: monitoring-check
monitoring-check: $(READY) ## A real Prometheus beside real calls checks rules and dashboards; ARGS="--pictures docs/monitoring"
	@$(BIN)/python -m bench.monitoring $(ARGS)

.PHONY: agents
agents: $(READY) ## Hold all conversations of all agents through real processes: half an hour; ARGS="-k bank" for some
	@PARLEY_SOAK=1 $(BIN)/python -m pytest --timeout 1200 tests/e2e/test_agents.py $(ARGS)

.PHONY: quality
quality: $(READY) ## Measure how well the local engines understand; ARGS are passed on
	@$(BIN)/python -m bench.quality $(ARGS)
	@$(BIN)/python -m bench.engines.personal

.PHONY: manifests
manifests: $(READY) ## Render every overlay of k8s/ and hold it against the schemas; needs node, and no cluster
	@$(BIN)/python -m scripts.manifests

.PHONY: pods
pods: $(READY) ## Start the pods of k8s/ with podman here and place calls; ARGS="--overlay prod" for two of each and TLS
	@$(BIN)/python -m testbed.pods $(ARGS)

.PHONY: proto
proto: $(READY) ## Generate parley/v1 from proto/
	@scripts/proto.sh parley/v1

.PHONY: proto-check
proto-check: $(READY) ## Fail when parley/v1 is older than proto/
	@scripts/proto_check.sh

.PHONY: docs
docs: $(READY) ## Generate docs/settings.md, docs/metrics.md and the dashboards
	@$(BIN)/python -m cli.generated.settings_doc docs/settings.md
	@$(BIN)/python -m cli.generated.metrics_doc docs/metrics.md
	@$(BIN)/python -m cli.generated.dashboards

.PHONY: locks
locks: $(READY) ## Compile the locks anew; ARGS=--upgrade for newer versions
	@scripts/locks.sh $(ARGS)

.PHONY: images
images: ## Build the images with docker, podman or buildah; ARGS="stt tts" for some
	@scripts/images/build.sh $(ARGS)

.PHONY: containers
containers: $(READY) ## Run the images as docker-compose.yml says, place calls, kill containers; ARGS="--own podman" without an engine
	@$(BIN)/python -m testbed.containers $(ARGS)

.PHONY: clean
clean: ## Remove the environment, caches and local data
	@rm -rf .venv .parley .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build *.egg-info
