#!/bin/sh
# Makes .parley/checks: tools that look at the project from outside, pinned by hash, apart from its own environment.
set -eu
cd "$(dirname "$0")/.."
rm -rf .parley/checks
mkdir -p .parley
.venv/bin/python -m venv .parley/checks
export PIP_DISABLE_PIP_VERSION_CHECK=1
.parley/checks/bin/python -m pip install --quiet --no-deps --require-hashes -r locks/checks.lock
touch .parley/checks/.ready
